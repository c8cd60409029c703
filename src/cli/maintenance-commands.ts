import { Command } from 'commander'
import { InvalidRequestError } from '../errors.ts'
import { describe } from '../expectation.ts'
import { wholeNumber } from './arguments.ts'
import type { CommandContext } from './command-context.ts'

/** What `sqlBackend` gives, as far as it is needed here. */
export interface Maintained {
  /** Makes the tables, or brings them up to date. */
  migrate(): Promise<void>
  /** Removes jobs that ended before an instant; resolves with their number. */
  purgeJobs(options: { readonly finishedBefore: Date }): Promise<number>
  /** Removes what the history holds from before an instant; resolves with the number of rows. */
  purgeHistory(options: { readonly before: Date }): Promise<number>
}

const DAY_MS = 86_400_000

/** Commands that care for the library's own tables. */
export function maintenanceCommands({ output }: CommandContext, backend: Maintained): readonly Command[] {
  const migrate = new Command('migrate')
    .description('make the library’s tables, or bring them up to date')
    .action(async () => {
      await backend.migrate()
      output().record({ migrated: true }, { tables: 'up to date' })
    })

  const purge = new Command('purge')
    .description('remove jobs that ended long ago, with their events and failures')
    .option('--older-than <days>', 'those that ended more than so many days ago', wholeNumber)
    .option('--before <instant>', 'those that ended before this instant, as 2025-01-31T00:00:00Z')
    .action(async (age: Age) => {
      const removed = await backend.purgeJobs({ finishedBefore: instantOf(age) })
      output().record({ removed }, { removed })
    })

  const purgeHistory = new Command('purge-history')
    .description('remove what the history holds from long ago')
    .option('--older-than <days>', 'what was kept more than so many days ago', wholeNumber)
    .option('--before <instant>', 'what was kept before this instant, as 2025-01-31T00:00:00Z')
    .action(async (age: Age) => {
      const removed = await backend.purgeHistory({ before: instantOf(age) })
      output().record({ removed }, { removed })
    })

  return [migrate, purge, purgeHistory]
}

interface Age {
  readonly olderThan?: number
  readonly before?: string
}

function instantOf({ olderThan, before }: Age): Date {
  if ((olderThan === undefined) === (before === undefined)) {
    throw new InvalidRequestError('Expected --older-than or --before, and not both')
  }
  if (before === undefined) return new Date(Date.now() - (olderThan ?? 0) * DAY_MS)
  const instant = new Date(before)
  // Without a zone an instant would mean something else on every machine.
  if (/T.*(Z|[+-]\d\d:\d\d)$/.test(before) && !Number.isNaN(instant.getTime())) return instant
  throw new InvalidRequestError(
    `Expected --before to be an instant such as 2025-01-31T00:00:00Z, got ${describe(before)}`,
  )
}
