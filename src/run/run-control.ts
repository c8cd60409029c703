import { thrownBy } from './blocks/stage-failure.ts'
import type { RecalcFailure, RunStatus } from './result.ts'

/** Why a run ends before its time. */
export interface Stop {
  readonly status: Exclude<RunStatus, 'completed' | 'completed_with_errors'>
  /** What was thrown, or why somebody asked for it. */
  readonly cause: unknown
  /** The failed day at which a fail-fast run stopped. */
  readonly failure?: RecalcFailure
}

const neverAborts = new AbortController().signal

/**
 * Ends a run early, from within or from outside. Stopping is graceful: blocks in flight commit, no other starts. The
 * first reason wins.
 */
export class RunControl {
  /** Aborts when work in flight is to give up; what calculators are handed. */
  readonly signal: AbortSignal
  // Made only for those who wait: most runs are over before anybody does.
  #stopping: AbortController | undefined
  #stop: Stop | undefined

  constructor(signal: AbortSignal = neverAborts) {
    this.signal = signal
  }

  /** Why the run is ending, if it is. */
  get stopped(): Stop | undefined {
    return this.#stop
  }

  /** Aborts when the run is to start nothing more. */
  get stopping(): AbortSignal {
    this.#stopping ??= new AbortController()
    if (this.#stop) this.#stopping.abort(this.#stop.cause)
    return this.#stopping.signal
  }

  stop(reason: Stop): void {
    if (this.#stop) return
    const cause = thrownBy(reason.cause)
    this.#stop = { ...reason, cause }
    this.#stopping?.abort(cause)
  }
}
