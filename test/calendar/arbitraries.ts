import fc from 'fast-check'
import { firstEpochDay, fromEpochDay, lastEpochDay } from '../../src/calendar/epoch-day.ts'
import { type IsoDate, parseIsoDate } from '../../src/calendar/iso-date.ts'

/** Any date of the calendar that is at least `margin` days away from both of its ends. */
export function anyDate(margin = 0): fc.Arbitrary<IsoDate> {
  return fc.integer({ min: firstEpochDay + margin, max: lastEpochDay - margin }).map(fromEpochDay)
}

export function date(text: string): IsoDate {
  return parseIsoDate(text, 'date')
}
