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

/** A unit of work that is open. */
export class WatchedUnit {
  /** Looks since it began, and since its present wait began. */
  age = 0
  waitAge = 0
  /** The stage whose code is awaited; undefined while the library itself waits. */
  stage: string | undefined
  ended = false
  readonly service: object
  readonly #expire: (error: unknown) => void
  #controller: AbortController | undefined

  constructor(service: object, expire: (error: unknown) => void) {
    this.service = service
    this.#expire = expire
  }

  /** Aborts when the unit of work is given up. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  /** What is awaited from now on. */
  awaits(stage: string | undefined): void {
    this.stage = stage
    this.waitAge = 0
  }

  expire(error: unknown): void {
    if (this.ended) return
    this.ended = true
    this.#controller?.abort(error)
    this.#expire(error)
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
  readonly #units = new Set<WatchedUnit>()
  #timer: Timer | undefined

  constructor(clock: Clock, limits: UnitLimits) {
    this.#clock = clock
    this.#limits = limits
    const shortest = Math.min(limits.unitOfWorkTimeoutMs, limits.ownTimeoutMs)
    this.#intervalMs = Math.max(1, Math.min(LONGEST_INTERVAL_MS, Math.floor(shortest / 4)))
  }

  watch(unit: WatchedUnit): void {
    this.#units.add(unit)
    if (!this.#timer) this.#lookLater()
  }

  /** The unit of work is over. */
  forget(unit: WatchedUnit): void {
    unit.ended = true
    this.#units.delete(unit)
  }

  /** Looks no more: nothing is begun any more, and what still ran was given up. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#units.clear()
  }

  #lookLater(): void {
    this.#timer = this.#clock.setTimeout(() => this.#look(), this.#intervalMs)
    this.#timer.unref()
  }

  #look(): void {
    this.#timer = undefined
    const { unitOfWorkTimeoutMs, ownTimeoutMs } = this.#limits
    for (const unit of this.#units) {
      unit.age += 1
      unit.waitAge += 1
      const isOver = unit.age * this.#intervalMs > unitOfWorkTimeoutMs
      const waitsTooLong = unit.stage === undefined && unit.waitAge * this.#intervalMs > ownTimeoutMs
      if (!isOver && !waitsTooLong) continue
      this.#units.delete(unit)
      unit.expire(new UnitOfWorkTimeoutError(unit.stage, isOver ? unitOfWorkTimeoutMs : ownTimeoutMs))
    }
    if (this.#units.size > 0) this.#lookLater()
  }
}
