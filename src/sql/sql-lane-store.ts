import { sql } from 'kysely'
import { LeaseLostError } from '../errors.ts'
import type { Lease } from '../jobs/job-store.ts'
import type {
  LaneClaim,
  LaneClaimRequest,
  LaneNotice,
  LanePointer,
  LaneStore,
  LanesProgress,
  SavedStep,
  StandingClaim,
} from '../jobs/lanes/lane-store.ts'
import type { LaneCheckpoint, Step } from '../run/checkpoint.ts'
import { asciiJson } from './ascii-json.ts'
import { isActive, type JobDatabase } from './job-database.ts'
import { COUNTER_COLUMNS, cancelOf, countersFrom, laneOf } from './job-rows.ts'
import { saveClaimedStep, splitClaimedLane } from './job-steps.ts'
import { noticeOf } from './lane-rows.ts'
import { jobKey, type RecalcDb } from './tables.ts'

/** Lanes in the host's database, which any process may calculate. */
export class SqlLaneStore<Tx> implements LaneStore<Tx> {
  readonly #database: JobDatabase
  readonly #dbOf: (tx: Tx) => RecalcDb

  /** @param dbOf The library's tables as they are seen within a unit of work. */
  constructor(database: JobDatabase, dbOf: (tx: Tx) => RecalcDb) {
    this.#database = database
    this.#dbOf = dbOf
  }

  progress(lease: Lease): Promise<LanesProgress> {
    return this.#database.read(({ db }) => lanesProgress(this.#database, db, lease))
  }

  stop(lease: Lease): Promise<void> {
    return stopLanes(this.#database, lease)
  }

  claim(
    { jobId, laneId, token }: LanePointer,
    { claimId, now, claimMs }: LaneClaimRequest & { readonly claimId: string },
  ): Promise<LaneCheckpoint | undefined> {
    const { lanes } = this.#database.names
    return this.#database.read(async ({ db }) => {
      const { numUpdatedRows } = await db
        .updateTable(lanes)
        .set((eb) => ({ claim_id: claimId, claimed_until: now + claimMs, claims: eb('claims', '+', 1), notice: null }))
        .where('job_id', '=', jobKey(jobId))
        .where('lane_id', '=', laneId)
        .where('lease_token', '=', token)
        .where('finished', '=', 0)
        .where('stopping', '=', 0)
        .where('claimed_until', '<=', now)
        .executeTakeFirst()
      // What is not changed may be this claim's already, when an answer was lost.
      const lane = await db
        .selectFrom(lanes)
        .select(['lane_id', 'kind', 'employee_ids', 'from_date', 'to_date', 'dates_done', 'stage', 'claim_id'])
        .where('job_id', '=', jobKey(jobId))
        .where('lane_id', '=', laneId)
        .$if(numUpdatedRows === 0n, (query) => query.where('finished', '=', 0))
        .executeTakeFirst()
      return lane?.claim_id === claimId ? laneOf(lane) : undefined
    })
  }

  async renew(claims: readonly LaneClaim[], { now, claimMs }: LaneClaimRequest): Promise<readonly StandingClaim[]> {
    const { names } = this.#database
    const standing: StandingClaim[] = []
    for (const [jobId, own] of Map.groupBy(claims, (claim) => claim.jobId)) {
      const claimIds = own.map(({ claimId }) => claimId)
      const rows = await this.#database.once(async (tx) => {
        await tx
          .updateTable(names.lanes)
          .set({ claimed_until: now + claimMs })
          .where('job_id', '=', jobId)
          .where('claim_id', 'in', claimIds)
          .where('finished', '=', 0)
          .execute()
        return await tx
          .selectFrom(names.lanes)
          .select(({ fn }) => ['claim_id', fn.max('stopping').as('stopping')])
          .where('job_id', '=', jobId)
          .where('claim_id', 'in', claimIds)
          .groupBy('claim_id')
          .execute()
      })
      for (const { claim_id, stopping } of rows)
        standing.push({ claimId: claim_id, isStopping: Number(stopping) === 1 })
    }
    return standing
  }

  async release({ jobId, claimId }: LaneClaim): Promise<void> {
    const { names } = this.#database
    await this.#database.transaction((tx) =>
      tx
        .updateTable(names.lanes)
        .set({ claim_id: '', claimed_until: 0, claims: 0 })
        .where('job_id', '=', jobId)
        .where('claim_id', '=', claimId)
        .where('finished', '=', 0)
        .execute(),
    )
  }

  async save(tx: Tx, claim: LaneClaim, step: Step): Promise<SavedStep> {
    return await saveClaimedStep(this.#dbOf(tx), this.#database.names, claim, step)
  }

  split(claim: LaneClaim, laneId: number, into: readonly LaneCheckpoint[]): Promise<void> {
    return splitClaimedLane(this.#database, claim, laneId, into)
  }

  async report({ jobId, claimId }: LaneClaim, laneId: number, notice: LaneNotice): Promise<void> {
    const { names } = this.#database
    await this.#database.read(({ db }) =>
      db
        .updateTable(names.lanes)
        .set({ notice: asciiJson(notice) })
        .where('job_id', '=', jobId)
        .where('lane_id', '=', laneId)
        .where('claim_id', '=', claimId)
        .execute(),
    )
  }
}

/**
 * The job with its open lanes, and what all of its lanes have counted, in one statement: all of it is of the same moment. It is
 * asked for again and again, so its rows are narrow.
 */
async function lanesProgress({ names, engine }: JobDatabase, db: RecalcDb, lease: Lease): Promise<LanesProgress> {
  const { jobs, lanes } = names
  const ofJob = COUNTER_COLUMNS.map((column) => sql.ref(`${jobs}.${column}`))
  const ofLanes = COUNTER_COLUMNS.map((column) => sql`coalesce(sum(${sql.ref(column)}), 0)`)
  const rows = await db
    .selectFrom(jobs)
    .leftJoin(lanes, (join) => join.onRef(`${lanes}.job_id`, '=', `${jobs}.id`).on('finished', '=', 0))
    .select(['status', `${jobs}.lease_token`, 'last_failure', 'cancel', 'pause_requested'])
    .select(engine.listed(ofJob).as('counted'))
    .select((eb) =>
      eb
        .selectFrom(lanes)
        .where('job_id', '=', lease.jobId)
        .select(engine.listed(ofLanes).as('sums'))
        .as('lanes_counted'),
    )
    .select(['lane_id', 'claimed_until', 'claims', 'notice'])
    .where('id', '=', lease.jobId)
    .orderBy('lane_id')
    .execute()
  const [job] = rows
  if (!job || Number(job.lease_token) !== lease.token || !isActive(job)) throw new LeaseLostError(lease.jobId)
  const folded = job.counted.split(',')
  const open = job.lanes_counted?.split(',')
  const counted = countersFrom((column) => {
    const place = COUNTER_COLUMNS.indexOf(column)
    return Number(folded[place]) + Number(open?.[place] ?? 0)
  })
  return {
    counted: {
      processedDays: counted.processed_days,
      unchangedDays: counted.unchanged_days,
      skippedDays: counted.skipped_days,
      failedDays: counted.failed_days,
      errorCount: counted.error_count,
      periods: {
        processed: counted.processed_periods,
        unchanged: counted.unchanged_periods,
        skipped: counted.skipped_periods,
        failed: counted.failed_periods,
      },
    },
    lastFailure: Number(job.last_failure),
    requested: { cancel: cancelOf(job.cancel), pause: Number(job.pause_requested) === 1 },
    lanes: rows
      .filter(({ lane_id }) => lane_id !== null)
      .map(({ lane_id, claimed_until, claims, notice }) => ({
        id: Number(lane_id),
        claimedUntil: Number(claimed_until),
        claims: Number(claims),
        notice: noticeOf(notice),
      })),
  }
}

/** Has nobody begin another block of lanes that carry this token. It waits for blocks that have written their step. */
export async function stopLanes(
  database: JobDatabase,
  { jobId, token }: Pick<Lease, 'jobId' | 'token'>,
): Promise<void> {
  await database.transaction((tx) =>
    tx
      .updateTable(database.names.lanes)
      .set({ stopping: 1 })
      .where('job_id', '=', jobId)
      .where('lease_token', '=', token)
      .where('finished', '=', 0)
      .execute(),
  )
}
