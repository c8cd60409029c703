import { RecalcService, type RecalcServiceOptions } from 'recalc-service'
import { otelTelemetry } from 'recalc-service/otel'
import { type Contender, printSpeeds, race } from './measure.ts'
import { DATES, employees, FROM, nothingDaily, nothingStage, TO } from './nothing.ts'

const COUNT = Math.ceil(500_000 / DATES)

/** Blocks of a calculator that does nothing, with and without telemetry: the most that it can weigh. */
export async function benchTelemetry(): Promise<void> {
  const telemetry = otelTelemetry() // no SDK is registered: what the calls themselves cost
  const rounds = 7
  printSpeeds('telemetry: a bulk stage that does nothing', await race(contenders({ stages: [nothingStage] }), rounds))
  printSpeeds('telemetry: a DailyCalc that does nothing', await race(contenders({ dailyCalc: nothingDaily }), rounds))

  function contenders(calculator: Pick<RecalcServiceOptions, 'stages'> | { dailyCalc: typeof nothingDaily }) {
    const options = { ...calculator, employees: employees(COUNT) } as RecalcServiceOptions // one of the two
    return [
      contender('without telemetry', options),
      contender('without telemetry, once more: the noise', options),
      contender('otelTelemetry() without an SDK', { ...options, telemetry }),
    ]
  }
}

function contender(name: string, options: RecalcServiceOptions): Contender {
  const recalc = new RecalcService(options)
  return {
    name,
    async run() {
      const { processedDays } = await recalc.triggerRecalcAll({ tenantId: 'bench', from: FROM, to: TO })
      return processedDays
    },
  }
}
