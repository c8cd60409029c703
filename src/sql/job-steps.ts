import { LeaseLostError } from '../errors.ts'
import type { Lease } from '../jobs/job-store.ts'
import {
  type FailureKey,
  failureId,
  type LaneCheckpoint,
  type RecordedFailure,
  type Step,
  StepSavedBefore,
} from '../run/checkpoint.ts'
import type { RecalcFailure } from '../run/result.ts'
import { asciiJson } from './ascii-json.ts'
import { employeeHash, hash } from './hash.ts'
import type { JobDatabase } from './job-database.ts'
import { failureBody, laneRow } from './job-rows.ts'
import { bytesOf, statements } from './statements.ts'
import type { LanesTable, RecalcDb, RecalcTx, TableNames } from './tables.ts'

/** Opens lanes, and folds those that are finished into the job, so that few rows are left however long the job is. */
export function openLanes(
  database: JobDatabase,
  lease: Lease,
  lanes: readonly LaneCheckpoint[],
  handedOut: { readonly after: string | null; readonly all: boolean },
): Promise<void> {
  const { names } = database
  return database.transaction(async (tx) => {
    const job = await database.lockOwnJob(tx, lease)
    const found = await tx
      .selectFrom(names.lanes)
      .selectAll()
      .where('job_id', '=', lease.jobId)
      .where((eb) => eb.or([eb('finished', '=', 1), eb('lane_id', 'in', [0, ...lanes.map(({ id }) => id)])]))
      .execute()
    // Opened before, by an attempt whose answer was lost.
    if (found.some(({ lane_id }) => Number(lane_id) === lanes[0]?.id)) return
    const finished = found.filter((lane) => Number(lane.finished) === 1)
    const sum = (column: keyof LanesTable) => finished.reduce((total, lane) => total + Number(lane[column]), 0)
    await tx
      .updateTable(names.jobs)
      .set({
        handed_out: asciiJson(handedOut.after),
        all_handed_out: handedOut.all ? 1 : 0,
        next_lane_id: Math.max(Number(job.next_lane_id), ...lanes.map(({ id }) => id + 1)),
        processed_days: Number(job.processed_days) + sum('processed_days'),
        unchanged_days: Number(job.unchanged_days) + sum('unchanged_days'),
        skipped_days: Number(job.skipped_days) + sum('skipped_days'),
        failed_days: Number(job.failed_days) + sum('failed_days'),
        error_count: Number(job.error_count) + sum('error_count'),
      })
      .where('id', '=', lease.jobId)
      .execute()
    await deleteLanes(
      tx,
      names,
      lease.jobId,
      finished.map(({ lane_id }) => Number(lane_id)),
    )
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
  const { names } = database
  return database.transaction(async (tx) => {
    const job = await database.lockOwnJob(tx, lease)
    const lane = await tx
      .selectFrom(names.lanes)
      .selectAll()
      .where('job_id', '=', lease.jobId)
      .where('lane_id', '=', laneId)
      .executeTakeFirst()
    // Split before, by an attempt whose answer was lost.
    if (!lane) return
    await deleteLanes(tx, names, lease.jobId, [laneId])
    const { processed_days, unchanged_days, skipped_days, failed_days, error_count } = lane
    const counted = { processed_days, unchanged_days, skipped_days, failed_days, error_count }
    const [first, ...others] = into.map((half) => laneRow(lease.jobId, lease.token, half))
    if (first)
      await tx
        .insertInto(names.lanes)
        .values([{ ...first, ...counted }, ...others])
        .execute()
    const nextLaneId = Math.max(Number(job.next_lane_id), ...into.map(({ id }) => id + 1))
    await tx.updateTable(names.jobs).set({ next_lane_id: nextLaneId }).where('id', '=', lease.jobId).execute()
  })
}

/**
 * Writes a step down in the unit of work of its block: one row of its own lane, and what failed or was repaired.
 *
 * @throws {LeaseLostError} when the lane's row carries another token; the unit of work is then rolled back.
 * @throws {StepSavedBefore} for a repeated step whose first commit did succeed.
 */
export async function saveStep(db: RecalcDb, names: TableNames, lease: Lease, step: Step): Promise<void> {
  const { lane, tenantStagesDone, failures, settled, moved, repeated } = step
  const { numUpdatedRows } = await db
    .updateTable(names.lanes)
    .set((eb) => ({
      steps: eb('steps', '+', 1),
      processed_days: eb('processed_days', '+', step.processed),
      unchanged_days: eb('unchanged_days', '+', step.unchanged),
      skipped_days: eb('skipped_days', '+', step.skipped),
      failed_days: eb('failed_days', '+', step.failed),
      error_count: eb('error_count', '+', failures.length - settled.length),
      ...(lane && { dates_done: lane.datesDone, finished: lane.finished ? 1 : 0 }),
      ...(tenantStagesDone !== undefined && { tenant_stages_done: tenantStagesDone }),
    }))
    .where('job_id', '=', lease.jobId)
    .where('lane_id', '=', lane?.id ?? 0)
    .where('lease_token', '=', lease.token)
    .$if(repeated === true && lane !== undefined, (update) => update.where('dates_done', '<', lane?.datesDone ?? 0))
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) {
    if (repeated && lane && (await isHeld(db, names, lease))) throw new StepSavedBefore()
    throw new LeaseLostError(lease.jobId)
  }
  if (repeated && !lane && (await failuresAreAsAfter(db, names, lease.jobId, step))) throw new StepSavedBefore()
  if (failures.length + settled.length + moved.length === 0) return
  const movedFailures = await failuresMoved(db, names, lease.jobId, moved)
  const gone = [...settled, ...moved.map(({ failure }) => failure)]
  await deleteFailures(
    db,
    names,
    lease.jobId,
    gone.map((key) => hash(failureId(key))),
  )
  await insertFailures(db, names, lease.jobId, [...movedFailures, ...failures])
}

/** True while nobody has claimed the job since. A lane that is gone was then folded into the job. */
async function isHeld(db: RecalcDb, names: TableNames, { jobId, token }: Lease): Promise<boolean> {
  const job = await db.selectFrom(names.jobs).select('lease_token').where('id', '=', jobId).executeTakeFirst()
  return Number(job?.lease_token) === token
}

/** True when the failures that a step removes or adds are already as the step leaves them. */
async function failuresAreAsAfter(db: RecalcDb, names: TableNames, jobId: string, step: Step): Promise<boolean> {
  const ids = (keys: readonly FailureKey[]) => new Set(keys.map((key) => hash(failureId(key))))
  const before = ids([...step.settled, ...step.moved.map(({ failure }) => failure)])
  const after = ids([...step.failures, ...step.moved.map(({ failure, to }) => ({ ...failure, date: to }))])
  const telling = [...before.symmetricDifference(after)]
  let present = 0
  for (const hashes of statements(telling, bytesOf)) {
    const rows = await db
      .selectFrom(names.failures)
      .select('failure_hash')
      .where('job_id', '=', jobId)
      .where('failure_hash', 'in', hashes)
      .execute()
    present += rows.filter(({ failure_hash }) => after.has(failure_hash)).length
    present -= rows.filter(({ failure_hash }) => before.has(failure_hash)).length
  }
  return telling.length > 0 && present === telling.filter((id) => after.has(id)).length
}

async function failuresMoved(
  db: RecalcDb,
  names: TableNames,
  jobId: string,
  moved: Step['moved'],
): Promise<readonly RecalcFailure[]> {
  const destinations = new Map(moved.map(({ failure, to }) => [hash(failureId(failure)), to]))
  const found: RecalcFailure[] = []
  for (const hashes of statements([...destinations.keys()], bytesOf)) {
    const rows = await db
      .selectFrom(names.failures)
      .select(['failure_hash', 'body'])
      .where('job_id', '=', jobId)
      .where('failure_hash', 'in', hashes)
      .execute()
    for (const { failure_hash, body } of rows) {
      const failure = JSON.parse(body) as RecordedFailure // as it was stored
      found.push({ ...failure, date: destinations.get(failure_hash) ?? failure.date })
    }
  }
  return found
}

async function deleteFailures(
  db: RecalcDb,
  names: TableNames,
  jobId: string,
  hashes: readonly string[],
): Promise<void> {
  for (const group of statements(hashes, bytesOf)) {
    await db.deleteFrom(names.failures).where('job_id', '=', jobId).where('failure_hash', 'in', group).execute()
  }
}

async function insertFailures(
  db: RecalcDb,
  names: TableNames,
  jobId: string,
  failures: readonly RecalcFailure[],
): Promise<void> {
  const rows = failures.map((failure) => ({
    job_id: jobId,
    failure_hash: hash(failureId(failure)),
    employee_hash: employeeHash(failure.employeeId),
    body: failureBody(failure),
  }))
  for (const group of statements(rows, ({ body }) => bytesOf(body) + 256)) {
    await db.insertInto(names.failures).values(group).execute()
  }
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

async function deleteLanes(tx: RecalcTx, names: TableNames, jobId: string, laneIds: readonly number[]): Promise<void> {
  for (const group of statements(laneIds, () => 16)) {
    await tx.deleteFrom(names.lanes).where('job_id', '=', jobId).where('lane_id', 'in', group).execute()
  }
}
