import { sql } from 'kysely'
import { LeaseLostError } from '../errors.ts'
import { ACTIVE } from '../jobs/job-record.ts'
import type { Lease } from '../jobs/job-store.ts'
import { type Dispatched, type LaneCheckpoint, type Step, StepSavedBefore } from '../run/checkpoint.ts'
import { asciiJson } from './ascii-json.ts'
import { isActive, type JobDatabase } from './job-database.ts'
import { failuresAreAsAfter, saveFailures } from './job-failures.ts'
import { type CounterColumns, countersFrom, laneRow } from './job-rows.ts'
import { bytesOf, statements } from './statements.ts'
import type { LanesTable, RecalcDb, RecalcTx, TableNames } from './tables.ts'

/** Opens lanes, and folds those that are finished into the job, so that few rows are left however long the job is. */
export function openLanes(
  database: JobDatabase,
  lease: Lease,
  lanes: readonly LaneCheckpoint[],
  dispatched: Dispatched | undefined,
): Promise<void> {
  const { names, engine } = database
  return database.transaction(async (tx) => {
    const job = await database.lockOwnJob(tx, lease)
    const found = await tx
      .selectFrom(names.lanes)
      .selectAll()
      .where('job_id', '=', lease.jobId)
      .where((eb) => eb.or([eb('finished', '=', 1), eb('lane_id', '=', lanes[0]?.id ?? 0)]))
      .execute()
    // Opened before, by an attempt whose answer was lost.
    if (found.some(({ lane_id }) => Number(lane_id) === lanes[0]?.id)) return
    const finished = found.filter((lane) => Number(lane.finished) === 1)
    const sum = (column: keyof LanesTable) => finished.reduce((total, lane) => total + Number(lane[column]), 0)
    await tx
      .updateTable(names.jobs)
      .set({
        ...(dispatched && {
          dispatched_through: asciiJson(dispatched.dispatchedThrough),
          all_dispatched: dispatched.allDispatched ? 1 : 0,
        }),
        ...(lanes.length > 0 && { tenant_stages_done: '[]' }),
        next_lane_id: Math.max(Number(job.next_lane_id), ...lanes.map(({ id }) => id + 1)),
        ...countersFrom((column) => Number(job[column]) + sum(column)),
      })
      .where('id', '=', lease.jobId)
      .execute()
    const finishedIds = finished.map(({ lane_id }) => Number(lane_id))
    if (finished.length > 0) await engine.deleteLanes(tx, names, lease.jobId, finishedIds)
    await insertLanes(tx, names, lease, lanes)
  })
}

/** Replaces a lane by others; what it has counted stays with the first. */
export function splitLane(
  database: JobDatabase,
  lease: Lease,
  laneId: number,
  into: readonly LaneCheckpoint[],
): Promise<void> {
  const { names, engine } = database
  return database.transaction(async (tx) => {
    await database.lockOwnJob(tx, lease)
    const lane = await tx
      .selectFrom(names.lanes)
      .selectAll()
      .where('job_id', '=', lease.jobId)
      .where('lane_id', '=', laneId)
      .executeTakeFirst()
    // Split before, by an attempt whose answer was lost.
    if (!lane) return
    await engine.deleteLanes(tx, names, lease.jobId, [laneId])
    const counted = countersFrom((column) => Number(lane[column]))
    const [first, ...others] = into.map((half) => laneRow(lease.jobId, lease.token, half))
    if (first)
      await tx
        .insertInto(names.lanes)
        .values([{ ...first, ...counted }, ...others])
        .execute()
  })
}

/**
 * Writes a step down in the unit of work of its block: one row of its own lane, and what failed or was repaired. The job's
 * row is written only by a step that is none of a lane's, or that records failures: it gives these their numbers.
 *
 * @throws {LeaseLostError} when the row carries another token; the unit of work is then rolled back.
 * @throws {StepSavedBefore} for a repeated step whose first commit did succeed.
 */
export async function saveStep(db: RecalcDb, names: TableNames, lease: Lease, step: Step): Promise<void> {
  const { lane, tenantStagesDone, failures, moved } = step
  if (lane) await saveLaneStep(db, names, lease, step)
  const numbers = failures.length + moved.length
  if (!lane || tenantStagesDone !== undefined || numbers > 0) await saveJobStep(db, names, lease, step)
  if (!lane && tenantStagesDone === undefined && step.repeated) {
    if (await failuresAreAsAfter(db, names, lease.jobId, step)) throw new StepSavedBefore()
  }
  await saveFailures(db, names, lease.jobId, step)
}

async function saveLaneStep(db: RecalcDb, names: TableNames, lease: Lease, step: Step): Promise<void> {
  const { lane, repeated } = step
  if (!lane) return
  const { numUpdatedRows } = await db
    .updateTable(names.lanes)
    .set((eb) => ({
      steps: eb('steps', '+', 1),
      ...counted(step),
      dates_done: lane.datesDone,
      finished: lane.finished ? 1 : 0,
      ...(lane.employeeIds && { employee_ids: asciiJson(lane.employeeIds) }),
    }))
    .where('job_id', '=', lease.jobId)
    .where('lane_id', '=', lane.id)
    .where('lease_token', '=', lease.token)
    .$if(repeated === true, (update) => update.where('dates_done', '<', lane.datesDone))
    .executeTakeFirst()
  if (numUpdatedRows === 1n) return
  if (repeated && (await isHeld(db, names, lease))) throw new StepSavedBefore()
  throw new LeaseLostError(lease.jobId)
}

async function saveJobStep(db: RecalcDb, names: TableNames, lease: Lease, step: Step): Promise<void> {
  const { lane, tenantStagesDone, failures, moved, repeated } = step
  const done = tenantStagesDone && asciiJson(tenantStagesDone)
  const { numUpdatedRows } = await db
    .updateTable(names.jobs)
    .set((eb) => ({
      steps: eb('steps', '+', 1),
      ...(!lane && counted(step)),
      last_failure: eb('last_failure', '+', failures.length + moved.length),
      ...(done !== undefined && { tenant_stages_done: done }),
    }))
    .where('id', '=', lease.jobId)
    .where('lease_token', '=', lease.token)
    .where('status', 'in', ACTIVE)
    .$if(repeated === true && done !== undefined, (update) => update.where('tenant_stages_done', '<>', done ?? ''))
    .executeTakeFirst()
  if (numUpdatedRows === 1n) return
  if (repeated && (await isHeld(db, names, lease))) throw new StepSavedBefore()
  throw new LeaseLostError(lease.jobId)
}

/** What a step adds to the counters of its lane, or of its job. */
function counted(step: Step) {
  const plus = (column: keyof CounterColumns, days: number) => sql<number>`${sql.ref(column)} + ${days}`
  return {
    processed_days: plus('processed_days', step.processed),
    unchanged_days: plus('unchanged_days', step.unchanged),
    skipped_days: plus('skipped_days', step.skipped),
    failed_days: plus('failed_days', step.failed - step.repaired),
    error_count: plus('error_count', step.failures.length - step.settled.length),
    ...(step.periods && {
      processed_periods: plus('processed_periods', step.periods.processed),
      unchanged_periods: plus('unchanged_periods', step.periods.unchanged),
      skipped_periods: plus('skipped_periods', step.periods.skipped),
      failed_periods: plus('failed_periods', step.periods.failed - step.periods.repaired),
    }),
  }
}

/** True while nobody has claimed the job since. A lane that is gone was then folded into the job. */
async function isHeld(db: RecalcDb, names: TableNames, { jobId, token }: Lease): Promise<boolean> {
  const job = await db
    .selectFrom(names.jobs)
    .select(['lease_token', 'status'])
    .where('id', '=', jobId)
    .executeTakeFirst()
  return job !== undefined && Number(job.lease_token) === token && isActive(job)
}

async function insertLanes(
  tx: RecalcTx,
  names: TableNames,
  lease: Lease,
  lanes: readonly LaneCheckpoint[],
): Promise<void> {
  const rows = lanes.map((lane) => laneRow(lease.jobId, lease.token, lane))
  for (const group of statements(rows, (row) => bytesOf(row.employee_ids) + 256)) {
    await tx.insertInto(names.lanes).values(group).execute()
  }
}
