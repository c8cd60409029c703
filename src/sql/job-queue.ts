import { sql } from 'kysely'
import { JobNotFoundError } from '../errors.ts'
import type { JobStatus } from '../jobs/job-record.ts'
import { ACTIVE, type JobRecord } from '../jobs/job-record.ts'
import { reduceJob } from '../jobs/job-state.ts'
import type { Requeued, WaitingPage, WhenBusy } from '../jobs/job-store.ts'
import { queueOrder } from '../jobs/queue-order.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import { hash } from './hash.ts'
import { isActive, type JobDatabase, type TablesIn } from './job-database.ts'
import { readRecord } from './job-reads.ts'
import { columnsOf } from './job-rows.ts'
import { type JobsTable, jobKey, type RecalcTx } from './tables.ts'

/** When the lease of a job expires that waits: a release that knows of no queues leaves it alone. */
export const NEVER = Number.MAX_SAFE_INTEGER

/** The columns of a job that does not wait. */
export const notWaiting = { queue_hash: null, queue_order: 0 } as const

/** What changes of a job that is to wait no more: it is nobody's, and whoever finds it ends it. */
export function leftQueue({ queue_order }: Pick<JobsTable, 'queue_order'>) {
  return Number(queue_order) > 0 ? { ...notWaiting, lease_expires_at: 0 } : {}
}

/** An active job of a scope. */
type Rival = Pick<JobsTable, 'id' | 'queue_order'>

/** The columns of a job that waits behind those of its scope. */
export function placeInQueue(
  { plan }: { readonly plan: JobRecord['plan'] & Partial<Pick<RunPlan, 'employeeIds'>> },
  scopeHash: string | null,
  now: number,
  rivals: readonly Rival[],
): Pick<JobsTable, 'queue_hash' | 'queue_order'> {
  return {
    queue_hash: scopeHash ?? hash('queue', plan.tenantId),
    queue_order: queueOrder(plan, now, Number(rivals.at(-1)?.queue_order ?? 0)),
  }
}

/**
 * The active jobs of a scope, which whoever asks has locked: first who works, or else who waits in front of all others; last
 * who waits behind all others. Each is found at once, however many wait.
 */
export async function rivalsIn({ names }: TablesIn, tx: RecalcTx, scopeHash: string): Promise<readonly Rival[]> {
  const one = (status: JobStatus, direction: 'asc' | 'desc') => {
    const rivals = tx
      .selectFrom(names.jobs)
      .select(['id', 'queue_order'])
      .where('scope_hash', '=', scopeHash)
      .where('status', '=', status)
      .orderBy('queue_order', direction)
      .limit(1)
    // SQLite takes a limit within a union only in a query of its own.
    return tx.selectFrom(rivals.as('one')).select(['id', 'queue_order'])
  }
  const rows = await one('running', 'asc').unionAll(one('queued', 'asc')).unionAll(one('queued', 'desc')).execute()
  return rows.sort((a, b) => Number(a.queue_order) - Number(b.queue_order))
}

/** Has a job wait again; whoever worked on it writes nothing more. */
export function requeueJob(
  database: JobDatabase,
  jobId: string,
  request: { readonly now: number; readonly from: readonly JobStatus[]; readonly whenBusy: WhenBusy },
): Promise<Requeued> {
  const { names } = database
  let tries = 0
  return database.transaction(async (tx): Promise<Requeued> => {
    tries += 1
    const found = await tx
      .selectFrom(names.jobs)
      .select('scope_hash')
      .where('id', '=', jobKey(jobId))
      .executeTakeFirst()
    if (!found) throw new JobNotFoundError(jobId)
    const { scope_hash: scopeHash } = found
    if (scopeHash !== null) await database.lockRows(tx, [scopeHash])
    const job = await database.lockJob(tx, jobId)
    const before = await readRecord(database, tx, jobId)
    if (!job || !before) throw new JobNotFoundError(jobId)
    // Done before, by an attempt whose answer was lost.
    if (tries > 1 && Number(job.queue_order) > 0) return { record: before }
    if (isActive(job) || !request.from.includes(before.status)) return { status: before.status }
    const rivals = scopeHash === null ? [] : await rivalsIn(database, tx, scopeHash)
    const [active] = rivals
    if (active && request.whenBusy === 'reject') return { activeJobId: active.id }
    const record = reduceJob(before, { type: 'enqueue' })
    await tx
      .updateTable(names.jobs)
      .set({
        ...columnsOf(record),
        cancel: null,
        pause_requested: 0,
        lease_token: Number(job.lease_token) + 1,
        lease_expires_at: NEVER,
        ...placeInQueue(record, scopeHash, request.now, rivals),
      })
      .where('id', '=', jobId)
      .execute()
    return { record }
  })
}

/**
 * The first job of each queue, in one statement that jumps from queue to queue along an index: however many jobs wait, it reads
 * a few rows of each queue.
 */
export async function listWaiting(
  { db, names }: TablesIn,
  query: { readonly limit: number; readonly after: string | null; readonly except: readonly string[] },
): Promise<WaitingPage> {
  const { limit, after, except } = query
  const rows = await db
    .withRecursive('queues(queue_hash, number)', (cte) =>
      cte
        .selectFrom(names.jobs)
        .select(({ fn }) => [fn.min('queue_hash').as('queue_hash'), sql<number>`1`.as('number')])
        .where('queue_hash', '>', after ?? '')
        .unionAll(
          cte
            .selectFrom('queues')
            .select((eb) => [
              eb
                .selectFrom(`${names.jobs} as later`)
                .select(({ fn }) => fn.min('later.queue_hash').as('queue_hash'))
                .whereRef('later.queue_hash', '>', 'queues.queue_hash')
                .as('queue_hash'),
              sql<number>`number + 1`.as('number'),
            ])
            .where('queues.queue_hash', 'is not', null)
            .where('number', '<', limit),
        ),
    )
    .selectFrom('queues')
    .leftJoin(`${names.jobs} as head`, (join) =>
      join.on('head.id', '=', (eb) => {
        const first = eb
          .selectFrom(`${names.jobs} as first`)
          .select('first.id')
          .whereRef('first.queue_hash', '=', 'queues.queue_hash')
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom(`${names.jobs} as held`)
                  .select('held.id')
                  .whereRef('held.scope_hash', '=', 'queues.queue_hash')
                  .where('held.status', 'in', ACTIVE)
                  .where('held.queue_order', '=', 0),
              ),
            ),
          )
          .orderBy('first.queue_order')
          .orderBy('first.id')
          .limit(1)
        return except.length > 0 ? first.where('first.id', 'not in', except) : first
      }),
    )
    .select(['queues.queue_hash', 'head.id', 'head.tenant_hash', 'head.queue_order'])
    .where('queues.queue_hash', 'is not', null)
    .orderBy('queues.queue_hash')
    .execute()
  const jobs = rows.flatMap(({ id, tenant_hash, queue_order }) =>
    id === null || tenant_hash === null ? [] : [{ jobId: id, tenantKey: tenant_hash, order: Number(queue_order) }],
  )
  return { jobs, next: rows.length < limit ? null : (rows.at(-1)?.queue_hash ?? null) }
}
