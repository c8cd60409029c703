import { BackendUnavailableError, LeaseLostError } from '../../errors.ts'
import type { LaneCheckpoint, RecordedFailure, Step } from '../../run/checkpoint.ts'
import type { AfterCommit, LaneJournal, RetryNotice } from '../../run/journal.ts'
import { runLane } from '../../run/lanes/lane-runner.ts'
import { restoredLane } from '../../run/lanes/restored-lane.ts'
import { RunControl } from '../../run/run-control.ts'
import { faultOf } from '../job-end.ts'
import type { JobSettings } from '../job-settings.ts'
import type { LaneJob } from './lane-jobs.ts'
import type { LaneClaim, LaneNotice, LaneStore } from './lane-store.ts'

/**
 * A lane that this process has claimed, and what it is split into: calculates it, and writes down how far it is under the claim.
 * Once another has claimed it, nothing of what is in flight here commits any more.
 */
export class ClaimedLane<Tx> implements LaneJournal<Tx> {
  readonly control = new RunControl()
  readonly claim: LaneClaim
  /** Until when nobody else claims it. */
  validUntil: number
  readonly #checkpoint: LaneCheckpoint
  readonly #lanes: LaneStore<Tx>
  readonly #settings: JobSettings<Tx>
  #isStopping = false
  #notices = 0

  constructor(
    claim: LaneClaim,
    checkpoint: LaneCheckpoint,
    options: { readonly lanes: LaneStore<Tx>; readonly settings: JobSettings<Tx>; readonly validUntil: number },
  ) {
    this.claim = claim
    this.validUntil = options.validUntil
    this.#checkpoint = checkpoint
    this.#lanes = options.lanes
    this.#settings = options.settings
  }

  /** Calculates it, until it is done or has to be given back; never rejects. */
  async calculate(job: LaneJob<Tx>): Promise<void> {
    const run = job.begin(this.control, this)
    try {
      if (!run.calculator) return
      const lane = await restoredLane(run, run.calculator, this.#checkpoint)
      await runLane(run, run.calculator, lane)
      if (lane.finished) return
    } catch (error) {
      await this.#failed(error)
    }
    await this.#release()
  }

  /** Lets the block in flight commit; no other starts. */
  stop(cause: unknown): void {
    this.control.stop({ status: 'interrupted', cause })
  }

  /** Somebody else has claimed it, or may have. */
  lost(): void {
    this.control.abandon(new LeaseLostError(this.claim.jobId))
  }

  // The journal of its lanes.

  async save(tx: Tx, step: Step): Promise<AfterCommit | undefined> {
    const { afterCommit, isStopping } = await this.#lanes.save(tx, this.claim, step)
    this.#isStopping = isStopping
    return afterCommit
  }

  committed(): void {
    if (this.#isStopping) this.stop(undefined)
  }

  splitLane(laneId: number, halves: readonly LaneCheckpoint[]): Promise<void> {
    return this.#lanes.split(this.claim, laneId, halves)
  }

  failuresOf(employeeIds: readonly string[]): Promise<readonly RecordedFailure[]> {
    return this.#settings.jobs.failuresOf(this.claim.jobId, employeeIds)
  }

  retrying(retry: RetryNotice, err: unknown): void {
    const { stage, attempt, delayMs } = retry
    const { jobId } = this.claim
    this.#settings.logger.warn({ jobId, stage, attempt, delayMs, err }, 'Transient error, trying again')
    this.#notices += 1
    void this.#report({ retry, number: this.#notices })
  }

  /** Told by the worker of the job, who asks for himself. */
  waiting(): void {}

  async #failed(error: unknown): Promise<void> {
    const { logger } = this.#settings
    const { jobId } = this.claim
    const about = { jobId, laneId: this.#checkpoint.id, err: error }
    if (this.control.stopped) return
    if (error instanceof LeaseLostError) logger.info(about, 'A lane is given up, because somebody else works on it')
    else if (error instanceof BackendUnavailableError)
      logger.warn(about, 'A lane is given back, to be tried again later')
    else {
      logger.warn(about, 'A lane cannot be calculated; its job ends')
      await this.#report({ fault: faultOf(error) })
    }
  }

  async #report(notice: LaneNotice): Promise<void> {
    try {
      await this.#lanes.report(this.claim, this.#checkpoint.id, notice)
    } catch (err) {
      this.#settings.logger.warn({ jobId: this.claim.jobId, err }, 'The worker of a job could not be told of a lane')
    }
  }

  async #release(): Promise<void> {
    if (this.control.abandoned) return
    try {
      await this.#lanes.release(this.claim)
    } catch (err) {
      this.#settings.logger.warn({ jobId: this.claim.jobId, err }, 'A lane could not be given back; its claim runs out')
    }
  }
}
