import type { DateInterval } from '../../calendar/date-range.ts'
import type { Booking } from '../../run/corrections/correction-store.ts'
import { type DayDifference, type DayOrPeriod, datesOf, isMixed, numbersOf } from '../difference.ts'
import { correctionIdOf } from './correction-id.ts'
import { minus } from './decimal.ts'
import { digestOf } from './value-digest.ts'

/** A value that a closed day, or period, would have if it were calculated now. */
export interface Corrected {
  /**
   * Names what is stored, what would be right and what was taken over before: as soon as one of these is different, so is the
   * id. It also tells which correction it is of which request.
   */
  readonly id: string
  /** Whose value it is. */
  readonly employeeId: string
  /** The name of the stage. */
  readonly stage: string
  /** What is stored, as the stage's `stored` gave it; `null` where that is nothing. */
  readonly stored: unknown
  /** What `calculate` gives now; `null` where there should be nothing. */
  readonly right: unknown
  /** Numeric field → what was taken over by earlier corrections. A value that is a number itself has the empty name. */
  readonly taken: Readonly<Record<string, number>>
  /**
   * Numeric field → what is left to take over: `right` − `stored` − `taken`, as decimal numbers. Fields of which nothing is left
   * are left out; empty where only something else than a number is different.
   */
  readonly difference: Readonly<Record<string, number>>
}

/** What a closed day, or period, still owes. */
export type Correction = Corrected & DayOrPeriod

/** A correction, and what is to be remembered once it is taken over. */
export interface OpenCorrection {
  readonly correction: Correction
  readonly booking: Omit<Booking, 'at' | 'actor'>
}

/** Of what was asked for: values that build on others depend on where that begins. */
export interface AskedRange extends DateInterval {
  readonly tenantId: string
}

/**
 * What is left to take over of a value.
 *
 * @param last What was taken over of it before.
 * @returns undefined when nothing is left.
 */
export function openCorrection(
  value: DayDifference,
  last: Booking | undefined,
  asked: AskedRange,
): OpenCorrection | undefined {
  const { employeeId, stage, before: stored, after: right } = value
  const [old, now] = [numbersOf(stored), numbersOf(right)]
  const taken = new Map(Object.entries(last?.taken ?? {}))
  const owed = new Map<string, number>()
  const left = new Map<string, number>()
  for (const field of new Set([...old.keys(), ...now.keys(), ...taken.keys()])) {
    const before = taken.get(field) ?? 0
    const whole = minus(now.get(field) ?? 0, old.get(field) ?? 0)
    const rest = minus(whole, before)
    if (isMixed(field, stored, right) || !Number.isFinite(rest)) {
      // Nobody knows what is left of it, but what was taken over stays taken over.
      if (before !== 0) owed.set(field, before)
      continue
    }
    if (whole !== 0) owed.set(field, whole)
    if (rest !== 0) left.set(field, rest)
  }
  const rightDigest = digestOf(right)
  const known = last?.right ?? digestOf(stored)
  if (left.size === 0 && rightDigest === known) return undefined
  const { from: date, to: through } = datesOf(value)
  const name = { stage, employeeId, date, through }
  const replaces = last?.correction ?? null
  const digest = digestOf(asked.tenantId, stage, employeeId, date, through, digestOf(stored), rightDigest, replaces)
  const id = correctionIdOf(digest, { ...name, from: asked.from, to: asked.to })
  const where = value.date === undefined ? { period: value.period } : { date: value.date }
  const numbers = { taken: Object.fromEntries(taken), difference: Object.fromEntries(left) }
  return {
    correction: { id, employeeId, ...where, stage, stored, right, ...numbers } as Correction, // has one of both
    booking: { ...name, correction: digest, replaces, taken: Object.fromEntries(owed), right: rightDigest },
  }
}
