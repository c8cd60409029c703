import { Command } from 'commander'
import { datesOf } from '../preview/difference.ts'
import { collect } from './arguments.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-code.ts'

interface Asked {
  readonly tenant: string
  readonly from: string
  readonly to: string
  readonly employee?: readonly string[]
  readonly csv?: boolean
}

/** Tells what closed days and periods still owe. */
export function correctionsCommand({ recalc, output, signal, exitWith }: CommandContext): Command {
  return new Command('corrections')
    .description('what closed days owe that nobody has taken over yet; nothing is written')
    .requiredOption('--tenant <id>', 'whose data')
    .requiredOption('--from <date>', 'the first day, as YYYY-MM-DD')
    .requiredOption('--to <date>', 'the last day')
    .option('--employee <id>', 'only this employee; may be repeated', collect)
    .option('--csv', 'as CSV')
    .action(async ({ tenant: tenantId, from, to, employee: employeeIds, csv }: Asked) => {
      const corrections = recalc.corrections({ tenantId, from, to, ...(employeeIds && { employeeIds }) }, { signal })
      try {
        if (csv) for await (const piece of corrections.csv()) output().out.write(piece)
        else {
          for await (const correction of corrections) {
            if (output().isJson) output().json(correction)
            const { employeeId, stage, difference } = correction
            const days = datesOf(correction)
            const when = days.from === days.to ? days.from : `${days.from} to ${days.to}`
            output().say(`${employeeId}  ${when}  ${stage}: ${JSON.stringify(difference)}`)
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error
        return exitWith(EXIT.cancelled)
      }
      const summary = await corrections.summary
      const { corrections: number, failedDays: failed, failedPeriods, totals } = summary
      if (!csv) {
        output().record(summary, {
          corrections: number,
          failed,
          'failed periods': failedPeriods || null,
          totals: JSON.stringify(totals),
        })
      }
      if (failed + failedPeriods > 0) exitWith(EXIT.someFailed)
    })
}
