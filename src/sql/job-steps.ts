import { sql } from 'kysely'
import { LeaseLostError } from '../errors.ts'
import { ACTIVE } from '../jobs/job-record.ts'
import type { Lease } from '../jobs/job-store.ts'
import type { LaneClaim, SavedStep } from '../jobs/lanes/lane-store.ts'
import { type Dispatched, type LaneCheckpoint, type LaneStep, type Step, StepSavedBefore } from '../run/checkpoint.ts'
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
  return database.transaction(async (tx) => {
    await database.lockOwnJob(tx, lease)
    const [lane] = await lanesOf(database, tx, lease.jobId, [laneId])
    // Otherwise it was split before, by an attempt whose answer was lost.
    if (lane) await replaceLane(database, tx, lane, into)
  })
}

/** The same, for whoever has claimed the lane: what replaces it is his as well. */
export function splitClaimedLane(
  database: JobDatabase,
  claim: LaneClaim,
  laneId: number,
  into: readonly LaneCheckpoint[],
): Promise<void> {
  return database.transaction(async (tx) => {
    await database.lockOwnJob(tx, claim)
    const found = await lanesOf(database, tx, claim.jobId, [laneId, ...into.map(({ id }) => id)])
    if (found.length === 0 || found.some(({ claim_id }) => claim_id !== claim.claimId)) {
      throw new LeaseLostError(claim.jobId)
    }
    const lane = found.find(({ lane_id }) => Number(lane_id) === laneId)
    if (lane) await replaceLane(database, tx, lane, into)
  })
}

function lanesOf(
  { names }: JobDatabase,
  tx: RecalcTx,
  jobId: string,
  laneIds: readonly number[],
): Promise<readonly LanesTable[]> {
  return tx.selectFrom(names.lanes).selectAll().where('job_id', '=', jobId).where('lane_id', 'in', laneIds).execute()
}

async function replaceLane(
  { names, engine }: JobDatabase,
  tx: RecalcTx,
  lane: LanesTable,
  into: readonly LaneCheckpoint[],
): Promise<void> {
  const { job_id, lane_id, lease_token, claim_id, claimed_until, stopping } = lane
  await engine.deleteLanes(tx, names, job_id, [Number(lane_id)])
  const counted = countersFrom((column) => Number(lane[column]))
  const held = { claim_id, claimed_until, stopping }
  const [first, ...others] = into.map((half) => ({ ...laneRow(job_id, Number(lease_token), half), ...held }))
  if (!first) return
  await tx
    .insertInto(names.lanes)
    .values([{ ...first, ...counted }, ...others])
    .execute()
}

/**
 * Writes a step down in the unit of work of its block: one row of its own lane, and what failed or was repaired. The job's
 * row is written only by a step that is none of a lane's, or that records failures: it gives these their numbers.
 *
 * @throws {LeaseLostError} when the row carries another token; the unit of work is then rolled back.
 * @throws {StepSavedBefore} for a repeated step whose first commit did succeed.
 */
export async function saveStep(db: RecalcDb, names: TableNames, lease: Lease, step: Step): Promise<void> {
  if (step.lane) await saveLaneStep(db, names, lease, step, step.lane)
  await saveRest(db, names, lease, step)
}

/** The same, for whoever has claimed the lane. Its answer says whether the lane is to go on. */
export async function saveClaimedStep(
  db: RecalcDb,
  names: TableNames,
  claim: LaneClaim,
  step: Step,
): Promise<SavedStep> {
  const isStopping = step.lane !== undefined && (await saveClaimedLaneStep(db, names, claim, step, step.lane))
  await saveRest(db, names, claim, step)
  return { afterCommit: undefined, isStopping }
}

async function saveRest(db: RecalcDb, names: TableNames, lease: Lease, step: Step): Promise<void> {
  const { lane, tenantStagesDone, failures, moved } = step
  const numbers = failures.length + moved.length
  if (!lane || tenantStagesDone !== undefined || numbers > 0) await saveJobStep(db, names, lease, step)
  if (!lane && tenantStagesDone === undefined && step.repeated) {
    if (await failuresAreAsAfter(db, names, lease.jobId, step)) throw new StepSavedBefore()
  }
  await saveFailures(db, names, lease.jobId, step)
}

/** The one row that a block writes. */
function laneUpdate(db: RecalcDb, names: TableNames, { jobId, token }: Lease, step: Step, lane: LaneStep) {
  return db
    .updateTable(names.lanes)
    .set((eb) => ({
      steps: eb('steps', '+', 1),
      ...counted(step),
      dates_done: lane.datesDone,
      finished: lane.finished ? 1 : 0,
      ...(lane.employeeIds && { employee_ids: asciiJson(lane.employeeIds) }),
    }))
    .where('job_id', '=', jobId)
    .where('lane_id', '=', lane.id)
    .where('lease_token', '=', token)
    .$if(step.repeated === true, (update) => update.where('dates_done', '<', lane.datesDone))
}

async function saveLaneStep(db: RecalcDb, names: TableNames, lease: Lease, step: Step, lane: LaneStep): Promise<void> {
  const { numUpdatedRows } = await laneUpdate(db, names, lease, step, lane).executeTakeFirst()
  if (numUpdatedRows === 1n) return
  if (step.repeated && (await isHeld(db, names, lease))) throw new StepSavedBefore()
  throw new LeaseLostError(lease.jobId)
}

/** @returns whether the lane is to stop. One more statement tells that, and only then. */
async function saveClaimedLaneStep(
  db: RecalcDb,
  names: TableNames,
  claim: LaneClaim,
  step: Step,
  lane: LaneStep,
): Promise<boolean> {
  for (const stopping of [0, 1]) {
    const { numUpdatedRows } = await laneUpdate(db, names, claim, step, lane)
      .set({ claims: 0 })
      .where('claim_id', '=', claim.claimId)
      .where('stopping', '=', stopping)
      .executeTakeFirst()
    if (numUpdatedRows === 1n) return stopping === 1
  }
  if (step.repeated && (await isSavedBefore(db, names, claim, lane))) throw new StepSavedBefore()
  throw new LeaseLostError(claim.jobId)
}

/** True when an earlier attempt did commit: the lane is still this claim's and has moved, or it is finished and gone. */
async function isSavedBefore(db: RecalcDb, names: TableNames, claim: LaneClaim, lane: LaneStep): Promise<boolean> {
  const row = await db
    .selectFrom(names.lanes)
    .select(['claim_id', 'lease_token', 'dates_done'])
    .where('job_id', '=', claim.jobId)
    .where('lane_id', '=', lane.id)
    .executeTakeFirst()
  if (!row) return lane.finished && (await isHeld(db, names, claim))
  return (
    row.claim_id === claim.claimId &&
    Number(row.lease_token) === claim.token &&
    Number(row.dates_done) >= lane.datesDone
  )
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
    error_count: plus('error_count', step.failures.length - step.resolved.length),
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
