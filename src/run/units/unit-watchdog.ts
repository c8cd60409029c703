import type { Clock, Timer } from '../../calendar/clock.ts'
import { UnitOfWorkTimeoutError } from '../../errors.ts'

/** How long things may take, in milliseconds. */
export interface UnitLimits {
  /** A whole unit of work. */
  readonly unitOfWorkTimeoutMs: number
  /** One thing that the library itself waits for in it: the begin, the locks, the step, the commit. */
  readonly ownTimeoutMs: number
}

/** The longest time between two looks, in milliseconds. */
const LONGEST_INTERVAL_MS = 1_000

/** Hears what a unit of work waits for. */
export interface Awaiting {
  /** The stage whose code is awaited from now on; undefined: the library itself waits. */
  awaits(stage: string | undefined): void
}

/** The units of work of one lane, of which at most one is open: how long it takes, and what it waits for. */
export class UnitMonitor implements Awaiting {
  /** Looks since the open unit began, and since its present wait began. */
  age = 0
  waitAge = 0
  /** The stage whose code is awaited; undefined while the library itself waits. */
  stage: string | undefined
  #expire: ((error: unknown) => void) | undefined
  #controller: AbortController | undefined

  /** A unit of work is open from now on. */
  begin(expire: (error: unknown) => void): void {
    this.age = 0
    this.waitAge = 0
    this.stage = undefined
    this.#expire = expire
  }

  /** The unit of work is over. */
  end(): void {
    this.#expire = undefined
  }

  get isOpen(): boolean {
    return this.#expire !== undefined
  }

  awaits(stage: string | undefined): void {
    this.stage = stage
    this.waitAge = 0
  }

  /** Aborts when calculators of this lane are to give up: with their unit of work, or with the run. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** No calculator of this lane is to go on. */
  abort(reason: unknown): void {
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
  }

  /** Gives the open unit of work up. Units to come have a signal of their own. */
  expire(error: unknown): void {
    const expire = this.#expire
    const controller = this.#controller
    this.#controller = undefined
    this.end()
    controller?.abort(error)
    expire?.(error)
  }
}

/**
 * Ends units of work that take too long. It counts its own looks, not the clock's time: a machine that slept, or a clock that
 * was put forward, ends none.
 */
export class UnitWatchdog {
  readonly #clock: Clock
  readonly #limits: UnitLimits
  readonly #intervalMs: number
  // No Set: one that is refilled for ever holds on to the tables that it outgrew.
  readonly #monitors: UnitMonitor[] = []
  #timer: Timer | undefined

  constructor(clock: Clock, limits: UnitLimits) {
    this.#clock = clock
    this.#limits = limits
    const shortest = Math.min(limits.unitOfWorkTimeoutMs, limits.ownTimeoutMs)
    this.#intervalMs = Math.max(1, Math.min(LONGEST_INTERVAL_MS, Math.floor(shortest / 4)))
  }

  /** The longest that a unit of work may take, in milliseconds. */
  get unitOfWorkTimeoutMs(): number {
    return this.#limits.unitOfWorkTimeoutMs
  }

  watch(monitor: UnitMonitor): void {
    this.#monitors.push(monitor)
    if (!this.#timer) this.#scheduleCheck()
  }

  forget(monitor: UnitMonitor): void {
    const place = this.#monitors.indexOf(monitor)
    if (place !== -1) this.#monitors.splice(place, 1)
    if (this.#monitors.length > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Looks no more: nothing is begun any more, and what still ran was given up. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#monitors.length = 0
  }

  #scheduleCheck(): void {
    this.#timer = this.#clock.setTimeout(() => this.#check(), this.#intervalMs)
    this.#timer.unref()
  }

  #check(): void {
    const { unitOfWorkTimeoutMs, ownTimeoutMs } = this.#limits
    for (const monitor of [...this.#monitors]) {
      if (!monitor.isOpen) continue
      monitor.age += 1
      monitor.waitAge += 1
      const isOver = monitor.age * this.#intervalMs > unitOfWorkTimeoutMs
      const waitsTooLong = monitor.stage === undefined && monitor.waitAge * this.#intervalMs > ownTimeoutMs
      if (!isOver && !waitsTooLong) continue
      monitor.expire(new UnitOfWorkTimeoutError(monitor.stage, isOver ? unitOfWorkTimeoutMs : ownTimeoutMs))
    }
    this.#timer = undefined
    if (this.#monitors.length > 0) this.#scheduleCheck()
  }
}
