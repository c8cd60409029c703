import type { Random } from '../../../shared/random.ts'

/** A planned stretch of work, in hours since the day's first instant; above 24 it is the next day. */
export interface PlannedShift {
  readonly fromHour: number
  readonly toHour: number
}

const early: readonly PlannedShift[] = [{ fromHour: 6, toHour: 14 }]
const late: readonly PlannedShift[] = [{ fromHour: 14, toHour: 22.5 }]
const night: readonly PlannedShift[] = [{ fromHour: 22, toHour: 30 }]
const split: readonly PlannedShift[] = [
  { fromHour: 8, toHour: 12 },
  { fromHour: 13, toHour: 17 },
]

/** Which shifts somebody works on which of some days; every tenth person helps out once or twice a week, the others work five days. */
export function* plannedShifts(
  person: number,
  days: number,
  random: Random,
): Generator<PlannedShift & { day: number }> {
  const pattern = [early, late, night, split][person % 4] ?? early
  const daysPerWeek = person % 10 === 9 ? random.integer(1, 2) : 5
  const firstDay = random.integer(0, 6)
  for (let day = 0; day < days; day++) {
    if ((day + firstDay) % 7 < daysPerWeek) yield* pattern.map((shift) => ({ ...shift, day }))
  }
}
