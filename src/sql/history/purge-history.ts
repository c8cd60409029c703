import { InvalidRequestError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { JobDatabase } from '../job-database.ts'
import { historyKey } from './history-rows.ts'
import type { HistoryDb } from './history-table.ts'

/** Rows that are removed by one statement. */
const BATCH = 200

/** What of the history is to be removed. */
export interface PurgeHistoryOptions {
  /** What was kept before this instant. */
  readonly before: Date
  /** Only of one employee. Default: everybody's. */
  readonly employee?: {
    /** The tenant. */
    readonly tenantId: string
    /** The employee. */
    readonly employeeId: string
  }
}

/**
 * Removes what was kept before an instant, a batch at a time, each a transaction of its own: blocks that write history wait for
 * none of them. Resolves with the number of rows, of which each holds what one block has changed of one employee.
 */
export async function purgeHistory(
  database: JobDatabase,
  table: 'history',
  { before, employee }: PurgeHistoryOptions,
): Promise<number> {
  const time = before instanceof Date ? before.getTime() : Number.NaN
  if (Number.isNaN(time)) throw new InvalidRequestError(expected('before', 'a valid Date', before))
  const historyOf = (db: unknown) => db as HistoryDb // the table is there once `migrate()` has run
  let purged = 0
  for (;;) {
    const ids = await database.read(({ db }) => {
      const rows = historyOf(db).selectFrom(table).select('id').where('kept_at', '<', time).limit(BATCH)
      const own = employee
        ? rows.where('employee_hash', '=', historyKey(employee.tenantId, employee.employeeId))
        : rows.orderBy('kept_at')
      return own.execute()
    })
    if (ids.length === 0) return purged
    const keys = ids.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))
    purged += await database.transaction(async (tx) => {
      const { numDeletedRows } = await historyOf(tx).deleteFrom(table).where('id', 'in', keys).executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    })
  }
}
