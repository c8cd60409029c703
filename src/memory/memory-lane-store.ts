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
import { type LaneCheckpoint, type Step, StepSavedBefore } from '../run/checkpoint.ts'
import type { MemoryJob } from './memory-job.ts'

/** Lanes of jobs in a map. Every method does its whole work in one go, so nothing can come in between. */
export class MemoryLaneStore implements LaneStore<unknown> {
  readonly #held: (holder: Pick<Lease, 'jobId' | 'token'>) => MemoryJob

  /** @param held Gives a job that is in the hands of whoever asks. @throws {LeaseLostError} when it is not. */
  constructor(held: (holder: Pick<Lease, 'jobId' | 'token'>) => MemoryJob) {
    this.#held = held
  }

  async progress(lease: Lease): Promise<LanesProgress> {
    const { record, lanes, lastFailure } = this.#held(lease)
    const { totalDays: _, ...counted } = record.counters
    return {
      counted,
      lastFailure,
      requested: { cancel: record.cancel, pause: record.pauseRequested },
      lanes: lanes.views,
    }
  }

  async stop(lease: Lease): Promise<void> {
    this.#held(lease).lanes.stop()
  }

  async claim(
    pointer: LanePointer,
    { claimId, now, claimMs }: LaneClaimRequest & { readonly claimId: string },
  ): Promise<LaneCheckpoint | undefined> {
    return this.#find(pointer)?.lanes.claim(pointer.laneId, { claimId, now, until: now + claimMs })
  }

  async renew(claims: readonly LaneClaim[], { now, claimMs }: LaneClaimRequest): Promise<readonly StandingClaim[]> {
    return claims.flatMap((claim) => {
      const lanes = this.#find(claim)?.lanes
      const { claimId } = claim
      return lanes?.renew(claimId, now + claimMs) ? [{ claimId, isStopping: lanes.isStopping(claimId) }] : []
    })
  }

  async release(claim: LaneClaim): Promise<void> {
    this.#find(claim)?.lanes.release(claim.claimId)
  }

  async save(_tx: unknown, claim: LaneClaim, step: Step): Promise<SavedStep> {
    const job = this.#held(claim)
    if (step.repeated && job.hasSaved(step)) throw new StepSavedBefore()
    this.#holding(claim, step)
    return {
      isStopping: job.lanes.isStopping(claim.claimId),
      afterCommit: () => this.#holding(claim, step).apply(step),
    }
  }

  async split(claim: LaneClaim, laneId: number, into: readonly LaneCheckpoint[]): Promise<void> {
    const job = this.#held(claim)
    const isHeld = (id: number) => job.lanes.isHeldBy(claim.claimId, id)
    // Split before, by an attempt whose answer was lost.
    if (!job.lanes.get(laneId) && into.every(({ id }) => isHeld(id))) return
    if (!isHeld(laneId)) throw new LeaseLostError(claim.jobId)
    job.splitLane(laneId, into)
  }

  async report(claim: LaneClaim, laneId: number, notice: LaneNotice): Promise<void> {
    this.#find(claim)?.lanes.tell(claim.claimId, laneId, notice)
  }

  #holding(claim: LaneClaim, { lane }: Step): MemoryJob {
    const job = this.#held(claim)
    if (lane && !job.lanes.isHeldBy(claim.claimId, lane.id)) throw new LeaseLostError(claim.jobId)
    return job
  }

  #find(holder: Pick<Lease, 'jobId' | 'token'>): MemoryJob | undefined {
    try {
      return this.#held(holder)
    } catch (error) {
      if (error instanceof LeaseLostError) return undefined
      throw error
    }
  }
}
