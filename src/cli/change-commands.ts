import { Command, Option } from 'commander'
import type { ChangeState, StoredChange } from '../changes/change-ledger.ts'
import { wholeNumber } from './arguments.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-code.ts'

const STATES = ['waiting', 'failing', 'held'] as const satisfies readonly ChangeState[]

interface Scope {
  readonly tenant: string
  readonly employee?: string
}

/** Commands about changes that were noted: how many wait, which, settle them. */
export function changeCommands({ recalc, output, signal, exitWith }: CommandContext): readonly Command[] {
  const freshness = new Command('freshness')
    .description('how much is noted and not settled')
    .option('--tenant <id>', 'only of this tenant')
    .action(async ({ tenant: tenantId }: { tenant?: string }) => {
      const state = await recalc.freshness(tenantId === undefined ? {} : { tenantId })
      const { dirtyEmployees, changes, oldestAt, failing, held } = state
      output().record(state, { 'dirty employees': dirtyEmployees, changes, 'oldest since': oldestAt, failing, held })
    })

  const dirty = new Command('dirty')
    .description('list changes that are not settled, in the order of their notes')
    .requiredOption('--tenant <id>', 'whose data')
    .addOption(new Option('--state <state>', 'only with this state').choices(STATES))
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .option('--after <id>', 'those behind this change', wholeNumber, 0)
    .action(async (given: { tenant: string; state?: ChangeState; limit: number; after: number }) => {
      const { tenant: tenantId, state, limit, after } = given
      output().rows(await recalc.listDirty({ tenantId, limit, after, ...(state && { state }) }), {
        id: ({ id }) => id,
        state: ({ state }) => state,
        employee: ({ employeeId }) => employeeId ?? '(everybody)',
        what: whatOf,
        noted: ({ notedAt }) => new Date(notedAt),
        attempts: ({ attempts }) => attempts,
        error: ({ error }) => error?.message,
      })
    })

  const settle = scoped(new Command('settle'))
    .description('settle now what was noted')
    .action(async (given: Scope) => {
      try {
        const settled = await recalc.settle(scopeOf(given), { signal })
        const { days, failed, failedStages } = settled
        output().record(settled, { days, failed, 'failed stages': failedStages.join(', ') || null })
        if (failed + failedStages.length > 0) exitWith(EXIT.someFailed)
      } catch (error) {
        if (!signal.aborted) throw error
        exitWith(EXIT.cancelled)
      }
    })

  const release = scoped(new Command('release'))
    .description('ask again at once whether held days are still closed')
    .action(async (given: Scope) => {
      const released = await recalc.releaseHeld(scopeOf(given))
      output().record({ released }, { released })
    })

  return [freshness, dirty, settle, release]
}

function scoped(command: Command): Command {
  return command.requiredOption('--tenant <id>', 'whose data').option('--employee <id>', 'only of this employee')
}

function scopeOf({ tenant: tenantId, employee: employeeId }: Scope) {
  return { tenantId, ...(employeeId !== undefined && { employeeId }) }
}

function whatOf({ content }: StoredChange): string {
  if ('table' in content) return content.table
  return 'stage' in content ? content.stage : 'days that follow'
}
