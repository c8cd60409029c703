import type { Clock, Timer } from '../calendar/clock.ts'
import { daysDone } from '../run/counters.ts'
import type { Employee } from '../run/plan/host-contracts.ts'
import type { JobEventDraft } from './job-events.ts'
import type { JobRecord } from './job-record.ts'
import { progressOf } from './job-state.ts'

type ProgressDraft = Extract<JobEventDraft, { readonly type: 'progress' }>

/**
 * Decides when progress is emitted, and words it. One per run.
 *
 * At most one event comes per interval. What happens within one is emitted at its end, so that nobody looks at old numbers
 * while a long block is under way.
 */
export class ProgressMeter {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #emit: () => void
  readonly #startedAt: number
  readonly #progressAtStart: number
  #emittedAt: number
  #timer: Timer | undefined

  /** @param emit Called when progress is due. */
  constructor(job: JobRecord, options: { readonly clock: Clock; readonly intervalMs: number; emit(): void }) {
    this.#clock = options.clock
    this.#intervalMs = options.intervalMs
    this.#emit = options.emit
    this.#startedAt = options.clock.now()
    this.#emittedAt = this.#startedAt
    // What a worker that died had done without having reported it is not this run's.
    this.#progressAtStart = progressOf(job)
  }

  /** The job got on. */
  advanced(): void {
    const waitMs = this.#emittedAt + this.#intervalMs - this.#clock.now()
    if (waitMs <= 0 || waitMs > this.#intervalMs) this.#emit()
    else if (!this.#timer) {
      this.#timer = this.#clock.setTimeout(() => this.#emit(), waitMs)
      this.#timer.unref()
    }
  }

  /** Nothing is emitted by itself any more. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** The job's progress, as it is emitted now. */
  measure(job: JobRecord, last: Employee | undefined): ProgressDraft {
    this.stop()
    const now = this.#clock.now()
    this.#emittedAt = now
    // The machine's clock may be set back.
    const elapsedMs = Math.max(0, now - this.#startedAt)
    const gained = job.progress - this.#progressAtStart
    return {
      type: 'progress',
      ...job.counters,
      progress: job.progress,
      current: daysDone(job.counters),
      total: job.counters.totalDays,
      stage: job.phase,
      title: job.phases[job.phase - 1]?.title ?? '',
      employeeId: last?.id ?? null,
      employeeName: last?.name ?? null,
      elapsedMs,
      waitingFor: job.waitingFor,
      remainingMs: gained > 0 ? Math.round((elapsedMs * (1 - job.progress)) / gained) : null,
    }
  }
}
