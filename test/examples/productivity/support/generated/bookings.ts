import fc from 'fast-check'
import type { PlainActivity, PlainClockTime } from '../plain/sources.ts'
import { instant, type Moment } from './moments.ts'
import { plainRoles } from './roles.ts'
import { HOUR, MINUTE } from './times.ts'

export type ClockTime = Omit<PlainClockTime, 'id' | 'employee_id'>
export type Activity = Omit<PlainActivity, 'id' | 'employee_id'>

export const breakMinutes = fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 30, 45, 900)

export const work = fc.record({
  role_id: fc.constantFrom(...plainRoles.map(({ id }) => id)),
  items_count: fc.oneof(fc.constantFrom(0, 1, 2), fc.integer({ min: 0, max: 30 })),
})

/** A shift that has nothing to do with any work. */
export function clockTime(moment: Moment): fc.Arbitrary<ClockTime> {
  return instant(moment).chain((clock_in) =>
    fc.record({
      clock_in: fc.constant(clock_in),
      clock_out: fc.oneof(
        { weight: 6, arbitrary: endAfter(moment, clock_in, 14 * HOUR) },
        { weight: 1, arbitrary: oddEnd(clock_in) },
        { weight: 2, arbitrary: fc.constant(null) },
      ),
      break_minutes: breakMinutes,
    }),
  )
}

/** A window that has nothing to do with any shift. */
export function activity(moment: Moment): fc.Arbitrary<Activity> {
  return instant(moment).chain((window_start) =>
    fc
      .tuple(endAfter(moment, window_start, HOUR), work)
      .map(([window_end, columns]) => ({ window_start, window_end, ...columns })),
  )
}

/** About as long as a shift may be at most, and far too long: a year typed wrong. */
function oddEnd(start: number): fc.Arbitrary<number> {
  const lengths = [16 * HOUR, 24 * HOUR].flatMap((length) => [length - 1, length, length + 1])
  return fc.constantFrom(...lengths, 30 * 24 * HOUR, 366 * 24 * HOUR).map((length) => start + length)
}

/** Where something ends that began at `start`: mostly `usual` later at most, often where others begin, sometimes before. */
function endAfter(moment: Moment, start: number, usual: number): fc.Arbitrary<number> {
  const until = (most: number) =>
    fc.integer({ min: 0, max: most / (5 * MINUTE) }).map((step) => start + step * 5 * MINUTE)
  const withOthers = instant(moment).map((other) => Math.min(Math.max(start, other), start + 72 * HOUR))
  return fc.oneof(
    { weight: 6, arbitrary: until(usual) },
    { weight: 3, arbitrary: withOthers },
    { weight: 1, arbitrary: until(72 * HOUR) },
    { weight: 1, arbitrary: fc.constant(start) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: HOUR }).map((by) => start - by) },
  )
}
