import { sql } from 'kysely'
import pLimit from 'p-limit'
import type { Block, TenantStage } from 'recalc-service'
import type { Tx } from '../../examples/productivity/schema/tables.ts'
import type { AsOf } from '../../examples/productivity/stages/as-of.ts'
import { cacheStage } from '../../examples/productivity/stages/cache.ts'
import { currentStatusStage } from '../../examples/productivity/stages/current-status.ts'
import { primaryRolesStage } from '../../examples/productivity/stages/primary-roles.ts'
import { bareContext, calculateChunk, dayStages } from '../hand-written.ts'
import { BLOCK, chunksOf, daysOf, TENANT, type Workload } from './workload.ts'

/** InnoDB's and PostgreSQL's: the same transaction may meet none of them the next time. */
const DEADLOCK = new Set<number | string | undefined>([1205, 1213, '40P01', '40001'])

interface Loop {
  readonly employeeIds: readonly string[]
  /** How many at a time. */
  readonly concurrency: number
  readonly shape: typeof BLOCK
  /** Default: the server's. */
  readonly isolationLevel?: 'read committed'
  /** Default: rows are only added or replaced. */
  clear?(tx: Tx, block: Block): Promise<void>
}

/** One employee-day after the other, the way a back end does it that has a function for one. */
export function dayByDay(workload: Workload, employeeIds: readonly string[]): Promise<number> {
  return loop(workload, { employeeIds, concurrency: 1, shape: { employees: 1, days: 1 } })
}

/** The same, several at a time. */
export function eightAtATime(workload: Workload, employeeIds: readonly string[]): Promise<number> {
  return loop(workload, { employeeIds, concurrency: 8, shape: { employees: 1, days: 1 } })
}

/**
 * What somebody writes who knows the tricks: blocks, four at a time in any order, at the isolation level at which they do not
 * deadlock. What was there goes first, unseen: nothing is read for comparison.
 */
export function chunked(workload: Workload): Promise<number> {
  const { employeeIds } = workload
  return loop(workload, {
    employeeIds,
    concurrency: 4,
    shape: BLOCK,
    isolationLevel: 'read committed',
    clear: deleteRows,
  })
}

async function deleteRows(tx: Tx, { employeeIds, from, to }: Block): Promise<void> {
  await tx
    .deleteFrom('daily_scores')
    .where('employee_id', 'in', employeeIds)
    .where('score_date', '>=', from)
    .where('score_date', '<=', to)
    .execute()
  for (const table of ['idle_periods', 'alerts', 'employee_hourly_costs'] as const) {
    await tx
      .deleteFrom(table)
      .where('employee_id', 'in', employeeIds)
      .where('work_date', '>=', from)
      .where('work_date', '<=', to)
      // What somebody has seen to stays so: a loop that reads nothing cannot tell whether it is still due.
      .$if(table === 'alerts', (gone) => gone.where(sql.ref('acknowledged_at'), 'is', null))
      .execute()
  }
}

async function loop(workload: Workload, options: Loop): Promise<number> {
  const { db, zone, asOf } = workload
  const { employeeIds, isolationLevel } = options
  const stages = dayStages(asOf.getTime())
  const transaction = () => {
    const begin = db.transaction()
    return isolationLevel ? begin.setIsolationLevel(isolationLevel) : begin
  }
  const limit = pLimit(options.concurrency)
  await limit.map(chunksOf(workload, employeeIds, options.shape), (chunk) =>
    retried(() =>
      transaction().execute(async (tx) => {
        await options.clear?.(tx, chunk)
        await calculateChunk(stages, chunk, { tx, zone })
      }),
    ),
  )
  for (const stage of tenantStages(asOf.getTime())) {
    const { from, to } = workload
    await transaction().execute((tx) =>
      stage.run({ ...bareContext, tx, zone, tenantId: TENANT, employeeIds, from, to }),
    )
  }
  return daysOf(workload, employeeIds)
}

function tenantStages(asOf: number): readonly TenantStage<Tx>[] {
  const at: AsOf = () => asOf
  return [primaryRolesStage(at), currentStatusStage(at), cacheStage(at, undefined)]
}

async function retried(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const { errno, code } = error as { readonly errno?: number; readonly code?: string }
      if (!DEADLOCK.has(errno) && !DEADLOCK.has(code)) throw error
    }
  }
}
