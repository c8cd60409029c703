import { BackendUnavailableError } from '../errors.ts'
import { thrownBy } from './blocks/stage-failure.ts'
import type { RecalcFailure } from './failure.ts'
import type { RunStatus } from './result.ts'
import type { UnitMonitor } from './units/unit-watchdog.ts'

/** Why a run ends before its time. */
export interface Stop {
  readonly status: Exclude<RunStatus, 'completed' | 'completed_with_errors'>
  /** What was thrown, or why somebody asked for it. */
  readonly cause: unknown
  /** The failed day at which a fail-fast run stopped. */
  readonly failure?: RecalcFailure
}

/**
 * Ends a run early, from within or from outside. The first reason wins.
 *
 * Stopping is graceful: blocks in flight commit, no other starts. Abandoning is not: units of work in flight are given up,
 * nobody waits for them, and none of them commits any more.
 */
export class RunControl {
  // No Set: one that is refilled for ever holds on to the tables that it outgrew.
  readonly #monitors: UnitMonitor[] = []
  // Made only for those who wait: most runs are over before anybody does.
  #stopping: AbortController | undefined
  #aborting: AbortController | undefined
  #stop: Stop | undefined
  #aborted: { readonly reason: unknown } | undefined
  #abandoned: { readonly cause: unknown } | undefined

  /** Aborts when work in flight is to give up. */
  get signal(): AbortSignal {
    this.#aborting ??= new AbortController()
    if (this.#aborted) this.#aborting.abort(this.#aborted.reason)
    return this.#aborting.signal
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

  /** Ends the run because of an error. A database that stays away is no fault of the run: it may go on later. */
  fail(error: unknown): void {
    const cause = thrownBy(error)
    this.stop({ status: cause instanceof BackendUnavailableError ? 'interrupted' : 'failed', cause })
  }

  /** Tells calculators to give up. Whether they do so is theirs to say. */
  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = { reason }
    this.#aborting?.abort(reason)
    for (const monitor of this.#monitors) monitor.abort(reason)
  }

  /** Ends the run without waiting for what is in flight. */
  abandon(cause: unknown): void {
    this.stop({ status: 'interrupted', cause })
    if (this.#abandoned) return
    this.#abandoned = { cause }
    this.abort(cause)
    for (const monitor of [...this.#monitors]) if (monitor.isOpen) monitor.expire(cause)
  }

  /** Why nothing of this run may commit any more, if that is so. */
  get abandoned(): { readonly cause: unknown } | undefined {
    return this.#abandoned
  }

  /** Units of work of this run are given up when it is abandoned. */
  watch(monitor: UnitMonitor): void {
    this.#monitors.push(monitor)
    if (this.#aborted) monitor.abort(this.#aborted.reason)
  }

  forget(monitor: UnitMonitor): void {
    const place = this.#monitors.indexOf(monitor)
    if (place !== -1) this.#monitors.splice(place, 1)
  }
}
