import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { RecalcService } from 'recalc-service'
import { type Contender, median, printSpeeds, race } from './measure.ts'
import { DATES, employees, FROM, nothingDaily, nothingStage, TO } from './nothing.ts'

const LANES = 4
const COUNT = Math.ceil(1_000_000 / DATES)
const TENANT = 'bench'

/** What the library costs when the calculator costs nothing. */
export async function benchOverhead(): Promise<void> {
  const bulk = all('recalc-service, bulk day stage', { stages: [nothingStage] })
  const daily = all('recalc-service, DailyCalc', { dailyCalc: nothingDaily })
  const rivals = [bareLoop(), perDay('p-limit'), perDay('p-queue')]
  const [bulkSpeed, dailySpeed, ...others] = await race([bulk, daily, ...rivals], 5)
  if (!bulkSpeed || !dailySpeed) return
  const days = (COUNT * DATES).toLocaleString('en')
  printSpeeds(`(a) ${days} employee-days, ${LANES} lanes, a calculator that does nothing`, [bulkSpeed, ...others])
  printSpeeds('    the same for a DailyCalc', [dailySpeed, ...others])
  await benchTrigger()
}

function all(
  name: string,
  calculator: { stages: [typeof nothingStage] } | { dailyCalc: typeof nothingDaily },
): Contender {
  const recalc = new RecalcService({ ...calculator, employees: employees(COUNT), concurrency: LANES })
  return {
    name,
    async run() {
      const result = await recalc.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: TO })
      return result.processedDays
    },
  }
}

/** Lanes that each await one day after the other: nothing is faster that waits for every day. */
function bareLoop(): Contender {
  return {
    name: 'a bare for await loop in as many lanes',
    async run() {
      let done = 0
      async function lane(first: number): Promise<void> {
        for await (const _day of daysOf(first, LANES)) {
          await nothingDaily.calculateDay()
          done += 1
        }
      }
      await Promise.all(Array.from({ length: LANES }, (_, first) => lane(first)))
      return done
    },
  }
}

function perDay(name: 'p-limit' | 'p-queue'): Contender {
  return {
    name: `${name} per day`,
    async run() {
      let done = 0
      const calculate = async () => {
        await nothingDaily.calculateDay()
        done += 1
      }
      if (name === 'p-queue') {
        const queue = new PQueue({ concurrency: LANES })
        for (const _day of everyDay()) void queue.add(calculate)
        await queue.onIdle()
      } else {
        const limit = pLimit(LANES)
        const running: Promise<void>[] = []
        for (const _day of everyDay()) running.push(limit(calculate))
        await Promise.all(running)
      }
      return done
    },
  }
}

function* everyDay(first = 0, step = 1): Generator<{ employee: number; date: number }> {
  for (let employee = first; employee < COUNT; employee += step) {
    for (let date = 0; date < DATES; date++) yield { employee, date }
  }
}

async function* daysOf(first: number, step: number): AsyncGenerator<{ employee: number; date: number }> {
  yield* everyDay(first, step)
}

/** What one synchronous call costs beyond the calculator's own work. */
async function benchTrigger(): Promise<void> {
  const recalc = new RecalcService({ dailyCalc: nothingDaily, employees: employees(1) })
  const calls = 5_000
  const rounds: number[] = []
  for (let round = 0; round < 6; round++) {
    const begin = performance.now()
    for (let i = 0; i < calls; i++) await recalc.triggerRecalc({ tenantId: TENANT, employeeId: '7', date: FROM })
    if (round > 0) rounds.push(((performance.now() - begin) * 1000) / calls)
  }
  console.log(`\n    one triggerRecalc: ${median(rounds).toFixed(1)} µs beyond the calculator's own work`)
}
