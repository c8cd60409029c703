import fc from 'fast-check'
import { thresholdAfter } from '../plain/windows.ts'
import { type Activity, breakMinutes, type ClockTime, work } from './bookings.ts'
import { instant, type Moment } from './moments.ts'
import { plainRoles } from './roles.ts'
import { HOUR, MINUTE } from './times.ts'

/** A shift and the work in it, with pauses about as long as they may be. */
export interface Stint {
  readonly clockTime: ClockTime
  readonly activities: readonly Activity[]
}

/** Pauses by what they are measured against: none, an overlap, tolerable ones, a bit idle, just not yet critical, critical. */
const pauses: readonly ((threshold: number) => number)[] = [
  () => 0,
  () => -7 * MINUTE,
  (threshold) => threshold,
  (threshold) => threshold + 1,
  (threshold) => Math.floor(threshold * 1.25),
  (threshold) => Math.floor(threshold * 1.5),
  (threshold) => Math.floor(threshold * 1.5) + 1,
  (threshold) => threshold * 2 + HOUR,
]

const edgeThreshold = 15 * MINUTE
const pause = fc.constantFrom(...pauses)

const steps = fc.array(fc.record({ length: fc.constantFrom(0, 2 * MINUTE, 10 * MINUTE, 45 * MINUTE), pause, work }), {
  maxLength: 6,
  size: 'max',
})

export function stint(moment: Moment): fc.Arbitrary<Stint> {
  return fc
    .record({
      anchor: fc.oneof({ weight: 3, arbitrary: instant(moment) }, { weight: 1, arbitrary: fc.constant(moment.now) }),
      // Anchored at its end, a shift can have been quiet for so long at that moment.
      isAnchoredAtEnd: fc.boolean(),
      isOpen: fc.boolean(),
      lead: pause,
      steps,
      break_minutes: breakMinutes,
    })
    .map(({ anchor, isAnchoredAtEnd, isOpen, lead, steps, break_minutes }) => {
      let threshold = edgeThreshold
      let end = Math.max(0, lead(edgeThreshold))
      const activities: Activity[] = []
      for (const { length, pause, work } of steps) {
        activities.push({ ...work, window_start: end, window_end: end + length })
        threshold = thresholdOf(work)
        end += length + pause(threshold)
      }
      const by = isAnchoredAtEnd ? anchor - end : anchor
      return {
        clockTime: { clock_in: by, clock_out: isOpen ? null : by + end, break_minutes },
        activities: activities.map((row) => ({
          ...row,
          window_start: row.window_start + by,
          window_end: row.window_end + by,
        })),
      }
    })
}

function thresholdOf({ role_id, items_count }: Pick<Activity, 'role_id' | 'items_count'>): number {
  return thresholdAfter({ items: items_count, role: plainRoles.find(({ id }) => id === role_id)! })
}
