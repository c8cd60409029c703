import { type ExpressionBuilder, sql } from 'kysely'
import { ACTIVE, type JobStatus } from '../jobs/job-record.ts'
import type { AbandonedJob } from '../jobs/job-store.ts'
import type { TablesIn } from './job-database.ts'
import type { RecalcTables } from './tables.ts'

const COLUMNS = ['id', 'status', 'cancel', 'pause_requested'] as const

type Where = ExpressionBuilder<RecalcTables, 'jobs'>

/** Jobs that wait for somebody to take them up, oldest first: two walks along an index each, of which a page is read. */
export async function listAbandoned(
  { db, names }: TablesIn,
  query: { readonly now: number; readonly limit: number; readonly after: string | null },
): Promise<readonly AbandonedJob[]> {
  const { now, limit, after } = query
  // A job that is gone stands in front of all others.
  const place = sql<number>`coalesce((select created_at from ${sql.table(names.jobs)} where id = ${after}), -1)`
  const behind = (eb: Where) =>
    eb.and([eb('created_at', '>=', place), eb.or([eb('created_at', '>', place), eb('id', '>', after ?? '')])])
  const page = (isOne: (eb: Where) => ReturnType<Where['and']>) => {
    const jobs = db
      .selectFrom(names.jobs)
      .select([...COLUMNS, 'created_at'])
      .where(isOne)
    const rest = after === null ? jobs : jobs.where(behind)
    // SQLite takes a limit within a union only in a query of its own.
    const one = rest.orderBy('created_at').orderBy('id').limit(limit).as('one')
    return db.selectFrom(one).select([...COLUMNS, 'created_at'])
  }
  const interrupted = page((eb) => eb.and([eb('status', '=', 'interrupted')]))
  const expired = page((eb) => eb.and([eb('status', 'in', ACTIVE), eb('lease_expires_at', '<=', now)]))
  const rows = await db
    .selectFrom(interrupted.unionAll(expired).as('all'))
    .select(COLUMNS)
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ id, status, cancel, pause_requested }) => ({
    jobId: id,
    status: status as JobStatus, // as the library wrote it
    cancelRequested: cancel !== null,
    pauseRequested: Number(pause_requested) === 1,
  }))
}
