import type { ActivityWindow } from './activity-window.ts'
import type { DayFacts } from './score-day.ts'
import type { Shift } from './shift.ts'
import { beginsIn, type Span, touches } from './span.ts'

/**
 * The shifts and windows of one employee over some days, from which each day takes its own.
 *
 * Windows may last for days, so those that touch a span cannot be found by their start alone. The latest end so far never
 * decreases from window to window, and that can be searched.
 */
export class EmployeeFacts {
  readonly #shifts: readonly Shift[]
  readonly #windows: readonly ActivityWindow[]
  readonly #latestEnds: readonly number[]
  readonly #now: number

  /** @param now When this is seen, in milliseconds since 1970. */
  constructor(shifts: readonly Shift[], windows: readonly ActivityWindow[], now: number) {
    this.#now = now
    this.#shifts = shifts
    this.#windows = windows.toSorted((a, b) => a.start - b.start || a.id - b.id)
    let latestEnd = Number.NEGATIVE_INFINITY
    this.#latestEnds = this.#windows.map(({ end }) => {
      latestEnd = Math.max(latestEnd, end)
      return latestEnd
    })
  }

  /**
   * What `scoreDay` needs for the day, and `currentStatus` too.
   *
   * @param since From when on more is wanted, if that is before the day.
   */
  on(day: Span, since = day.start): DayFacts {
    const own = this.#shifts.filter((shift) => beginsIn(shift, day))
    const reach = { start: Math.min(since, day.start), end: Math.max(day.end, ...own.map(({ end }) => end)) }
    const shifts = this.#shifts.filter((shift) => touches(shift, reach))
    return { day, now: this.#now, shifts, windows: this.#windowsTouching(reach) }
  }

  #windowsTouching(span: Span): readonly ActivityWindow[] {
    const starts = (index: number) => this.#windows[index]?.start ?? 0
    const latestEnd = (index: number) => this.#latestEnds[index] ?? 0
    const count = this.#windows.length
    const first = Math.min(
      firstIndex(count, (index) => starts(index) >= span.start),
      firstIndex(count, (index) => latestEnd(index) > span.start),
    )
    const behind = firstIndex(count, (index) => starts(index) >= span.end)
    return this.#windows.slice(first, behind).filter((window) => touches(window, span))
  }
}

/** The first of `count` indexes for which `holds`, given that it then holds for all behind it; `count` if for none. */
function firstIndex(count: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
