import type { BlockOutcome } from '../run/blocks/block-runner.ts'
import type { Booking } from '../run/corrections/correction-store.ts'
import type { RunControl } from '../run/run-control.ts'
import type { DayDifference } from './difference.ts'

/** What a lane came to. */
export interface PreviewedLane {
  /** In the order of employees, dates and stages. */
  readonly differences: readonly DayDifference[]
  readonly outcomes: readonly { readonly outcome: BlockOutcome; readonly failedBehind: number }[]
  /** What was taken over of values, by {@link bookingKey}. */
  readonly bookings: ReadonlyMap<string, Booking>
  /** Names of tenant stages that would run because of it, where that is not known before. */
  readonly leftOut?: readonly string[]
}

/** Gives lanes that have been looked at, in their order, until the control stops. */
export type LaneSource = (control: RunControl) => AsyncGenerator<PreviewedLane>

export const nothingFound: PreviewedLane = { differences: [], outcomes: [], bookings: new Map() }

/** What two halves of a lane came to. */
export function joined(first: PreviewedLane, second: PreviewedLane): PreviewedLane {
  return {
    differences: [...first.differences, ...second.differences],
    outcomes: [...first.outcomes, ...second.outcomes],
    bookings: new Map([...first.bookings, ...second.bookings]),
    leftOut: [...(first.leftOut ?? []), ...(second.leftOut ?? [])],
  }
}

/** The value of a stage, as a key. */
export function bookingKey(stage: string, employeeId: string, date: string): string {
  return `${date}/${stage.length}/${stage}/${employeeId}`
}
