import type { JobDatabase } from '../job-database.ts'
import { checkPurge, idOf, instantOf } from '../purge-request.ts'
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
 *
 * @throws {InvalidRequestError} that names the value and what was expected of it.
 */
export async function purgeHistory(
  database: JobDatabase,
  table: 'history',
  options: PurgeHistoryOptions,
): Promise<number> {
  const { before, employee } = checkPurge('options', options, ['before', 'employee'])
  const time = instantOf('before', before)
  const key = employee === undefined ? undefined : keyOf(employee)
  const historyOf = (db: unknown) => db as HistoryDb // the table is there once `migrate()` has run
  let purged = 0
  for (;;) {
    const ids = await database.read(({ db }) => {
      const rows = historyOf(db).selectFrom(table).select('id').where('kept_at', '<', time).limit(BATCH)
      const own = key === undefined ? rows.orderBy('kept_at') : rows.where('employee_hash', '=', key)
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

function keyOf(employee: unknown): string {
  const { tenantId, employeeId } = checkPurge('employee', employee, ['tenantId', 'employeeId'])
  return historyKey(idOf('tenantId', tenantId), idOf('employeeId', employeeId))
}
