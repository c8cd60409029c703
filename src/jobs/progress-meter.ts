import { daysDone } from '../run/counters.ts'
import type { Employee } from '../run/plan/host-contracts.ts'
import type { JobEventDraft } from './job-events.ts'
import type { JobRecord } from './job-record.ts'
import { progressOf } from './job-state.ts'

type ProgressDraft = Extract<JobEventDraft, { readonly type: 'progress' }>

/** Decides when progress is worth telling, and puts it into words. One per run. */
export class ProgressMeter {
  readonly #intervalMs: number
  readonly #startedAt: number
  readonly #progressAtStart: number
  #toldAt: number

  constructor(job: JobRecord, now: number, intervalMs: number) {
    this.#intervalMs = intervalMs
    this.#startedAt = now
    this.#toldAt = now
    // What a worker that died had done without having told of it is not this run's.
    this.#progressAtStart = progressOf(job)
  }

  isDue(now: number): boolean {
    return now - this.#toldAt >= this.#intervalMs
  }

  tell(job: JobRecord, now: number, last: Employee | undefined): ProgressDraft {
    this.#toldAt = now
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
      remainingMs: gained > 0 ? Math.round((elapsedMs * (1 - job.progress)) / gained) : null,
    }
  }
}
