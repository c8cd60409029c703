import type { DateInterval } from '../calendar/date-range.ts'
import { firstEpochDay, fromEpochDay, lastEpochDay, toEpochDay } from '../calendar/epoch-day.ts'
import type { DayStart } from '../calendar/start-time.ts'
import { dateOf } from '../calendar/zone.ts'
import { directReach, type Reach, type ReadingPipeline } from '../pipeline/affected-days.ts'
import { daysReadingPeriods } from '../pipeline/days-behind-periods.ts'
import type { ChangeContent, SpanEnd } from './change-ledger.ts'
import type { DaySpan } from './day-set.ts'

/** How far a change reaches that has no end of its own: days around today. */
export interface Horizon {
  /** How many days before today. Default 400. */
  readonly back: number
  /** How many days after today. Default 0. */
  readonly ahead: number
}

/** Where an instant becomes a day. */
export interface Place {
  /** Undefined when nobody can tell: an instant then stands for every day that it may belong to. */
  readonly zone: string | undefined
  readonly dayStart: DayStart
}

/** The zones in which a day begins first and last. */
const FIRST_ZONE = 'Etc/GMT-14'
const LAST_ZONE = 'Etc/GMT+12'

/** The day, or the days, that an instant belongs to. */
function daysOf(instant: number, { zone, dayStart }: Place): DaySpan {
  const dayIn = (one: string) => toEpochDay(dateOf(new Date(instant), one, dayStart))
  return { first: dayIn(zone ?? LAST_ZONE), last: dayIn(zone ?? FIRST_ZONE) }
}

/** The horizon of this moment in a zone, as numbers since 1970-01-01. */
export function horizonAt(now: number, place: Place, { back, ahead }: Horizon): DaySpan {
  const { last: today } = daysOf(now, place)
  return { first: Math.max(firstEpochDay, today - back), last: Math.min(lastEpochDay, today + ahead) }
}

/** Where a change of a table lies, before anything is said about who reads it. */
export function spansOf(
  content: Extract<ChangeContent, { table: string }>,
  place: Place,
  horizon: DaySpan,
): readonly DaySpan[] {
  const { at, spans, from = null, to = null } = content
  if (at) return at.map((instant) => daysOf(instant, place))
  return (spans ?? [[from, to] as const]).map(([first, last]) => ({
    // What has one end lies on its side of it, however far from today.
    first: daysOfEnd(first, place)?.first ?? Math.min(horizon.first, daysOfEnd(last, place)?.first ?? horizon.first),
    last: daysOfEnd(last, place)?.last ?? Math.max(horizon.last, daysOfEnd(first, place)?.last ?? horizon.last),
  }))
}

function daysOfEnd(end: SpanEnd, place: Place): DaySpan | undefined {
  if (typeof end === 'number') return daysOf(end, place)
  const day = end === null ? undefined : toEpochDay(end)
  return day === undefined ? undefined : { first: day, last: day }
}

/** The days around some others, cut at the ends of the calendar; where they have no end, at the horizon. */
export function reach(span: DaySpan, { first, last }: Reach, horizon: DaySpan): DaySpan {
  const from = Number.isFinite(first) ? span.first + first : Math.min(span.first, horizon.first)
  const to = Number.isFinite(last) ? span.last + last : Math.max(span.last, horizon.last)
  return { first: Math.max(firstEpochDay, from), last: Math.min(lastEpochDay, to) }
}

/** The days that a change makes dirty at first hand; what follows from them is known once they are calculated. */
export function dirtySpansOf(
  content: Exclude<ChangeContent, { stage: string }>,
  given: { readonly pipeline: ReadingPipeline; readonly place: Place; readonly horizon: DaySpan },
): readonly DaySpan[] {
  if (!('table' in content)) return [{ first: content.days[0], last: content.days[1] }]
  const { pipeline, horizon } = given
  const readers = [...directReach(pipeline, content.table).values()]
  const spans = spansOf(content, given.place, horizon)
  return spans.flatMap((span) => [
    ...readers.map((reader) => reach(span, reader, horizon)),
    ...daysBehindPeriods(pipeline, content.table, span, horizon),
  ])
}

/** The days that read periods of a table of a period stage. */
function daysBehindPeriods(
  { dayStages, periodStages }: ReadingPipeline,
  table: string,
  span: DaySpan,
  horizon: DaySpan,
): readonly DaySpan[] {
  const writer = periodStages.find(({ writes }) => writes.includes(table))
  if (!writer) return []
  return dayStages.flatMap((reader) => {
    const days = daysReadingPeriods(reader, writer, datesOf(span), datesOf(horizon))
    return days ? [{ first: toEpochDay(days.from), last: toEpochDay(days.to) }] : []
  })
}

/** The dates of some days. */
export function datesOf({ first, last }: DaySpan): DateInterval {
  return { from: fromEpochDay(first), to: fromEpochDay(last) }
}
