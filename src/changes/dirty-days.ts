import { firstEpochDay, lastEpochDay, toEpochDay } from '../calendar/epoch-day.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { dateOf } from '../calendar/zone.ts'
import { directReach, type Reach, type ReadingPipeline } from '../pipeline/affected-days.ts'
import type { ChangeContent, SpanEnd } from './change-ledger.ts'
import type { DaySpan } from './day-set.ts'

/** How far a change reaches that has no end of its own: days around today. */
export interface Horizon {
  readonly back: number
  readonly ahead: number
}

/** The horizon of this moment in a zone, as numbers since 1970-01-01. */
export function horizonAt(now: number, zone: string, { back, ahead }: Horizon): DaySpan {
  const today = toEpochDay(dateOf(new Date(now), zone))
  return { first: Math.max(firstEpochDay, today - back), last: Math.min(lastEpochDay, today + ahead) }
}

/** Where a change of a table lies, before anything is said about who reads it. */
export function spansOf(
  content: Extract<ChangeContent, { table: string }>,
  zone: string,
  horizon: DaySpan,
): readonly DaySpan[] {
  const { at, spans, from = null, to = null } = content
  if (at) return at.map((instant) => spanOf([instant, instant], zone, horizon))
  return (spans ?? [[from, to] as const]).map((ends) => spanOf(ends, zone, horizon))
}

function spanOf(ends: readonly [SpanEnd, SpanEnd], zone: string, horizon: DaySpan): DaySpan {
  const [first, last] = ends.map((end) => (end === null ? undefined : dayOf(end, zone)))
  return {
    // What has one end lies on its side of it, however far from today.
    first: first ?? Math.min(horizon.first, last ?? horizon.first),
    last: last ?? Math.max(horizon.last, first ?? horizon.last),
  }
}

function dayOf(end: number | IsoDate, zone: string): number {
  return toEpochDay(typeof end === 'number' ? dateOf(new Date(end), zone) : end)
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
  given: { readonly pipeline: ReadingPipeline; readonly zone: string; readonly horizon: DaySpan },
): readonly DaySpan[] {
  if (!('table' in content)) return [{ first: content.days[0], last: content.days[1] }]
  const readers = [...directReach(given.pipeline, content.table).values()]
  const spans = spansOf(content, given.zone, given.horizon)
  return spans.flatMap((span) => readers.map((reader) => reach(span, reader, given.horizon)))
}
