import { Command } from 'commander'
import { InvalidRequestError } from '../errors.ts'
import type { HistoryEntry } from '../run/history/history-store.ts'
import { wholeNumber } from './arguments.ts'
import type { CommandContext } from './command-context.ts'

interface Asked {
  readonly tenant: string
  readonly employee?: string
  readonly date?: string
  readonly from?: string
  readonly to?: string
  readonly run?: string
  readonly limit: number
  readonly after?: string
}

/** The command that tells what runs have changed. */
export function historyCommand({ recalc, output }: CommandContext): Command {
  return new Command('history')
    .description('what was changed of some days of an employee, or by one run; newest first')
    .requiredOption('--tenant <id>', 'whose data')
    .option('--employee <id>', 'of this employee')
    .option('--date <date>', 'one day, as YYYY-MM-DD')
    .option('--from <date>', 'the first day')
    .option('--to <date>', 'the last day')
    .option('--run <id>', 'of this job or run')
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .option('--after <id>', 'those behind this entry', String)
    .action(async (asked: Asked) => {
      const { tenant: tenantId, limit, after } = asked
      const page = { tenantId, limit, ...(after !== undefined && { after }) }
      output().rows(await recalc.history({ ...page, ...whichOf(asked) }), {
        id: ({ id }) => id,
        at: ({ at }) => at,
        employee: ({ employeeId }) => employeeId,
        days: ({ date, through }) => (date === through ? date : `${date} to ${through}`),
        stage: ({ stage }) => stage,
        before: (entry) => (entry.isBeforeKnown ? textOf(entry, entry.before) : '(unknown)'),
        after: (entry) => textOf(entry, entry.after),
        by: ({ run }) => run.actor,
        why: whyOf,
      })
    })
}

function whichOf({ employee: employeeId, date, from = date, to = date, run: runId }: Asked) {
  if (runId !== undefined && employeeId === undefined && from === undefined && to === undefined) return { runId }
  if (runId === undefined && employeeId !== undefined && from !== undefined && to !== undefined) {
    return { employeeId, from, to }
  }
  throw new InvalidRequestError('Expected --employee with --date or --from and --to, or --run alone')
}

function textOf({ notKept }: HistoryEntry, value: unknown): string {
  if (notKept !== null) return `(not kept: ${notKept})`
  return value === null ? '(no row)' : JSON.stringify(value)
}

function whyOf({ run, tables }: HistoryEntry): string {
  if (run.reason !== null) return run.reason
  return tables.length > 0 ? `changed: ${tables.join(', ')}` : run.kind
}
