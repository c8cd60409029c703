import { dateOf, type IsoDate } from 'recalc-service'
import { type Booking, type Pair, pairBookings } from './bookings.ts'
import type { Absence } from './credit.ts'
import type { ErrorCode } from './daily-value.ts'
import { type Part, partsOf } from './parts.ts'
import { type DayPlan, type PlanAssignment, planIdOn } from './plan.ts'
import type { Span } from './span.ts'
import { WallClock } from './wall-clock.ts'

/** What holds for everybody. */
export interface CompanyRules {
  readonly plans: ReadonlyMap<number, DayPlan>
  /** Date → percent of the target that is credited. */
  readonly holidays: ReadonlyMap<string, number>
}

/** The rows of one employee. Of bookings at least those from two days before to three days after the days that are asked for. */
export interface EmployeeRecords {
  readonly entryDate: IsoDate
  readonly exitDate: IsoDate | null
  /** By ascending `validFrom`. */
  readonly assignments: readonly PlanAssignment[]
  readonly absences: readonly Absence[]
  readonly bookings: readonly Booking[]
}

/** The present moment and the zone in which it is seen. */
export interface Present {
  readonly zone: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** What one employee's days are calculated from: bookings are paired once for all of them. */
export class EmployeeFacts {
  readonly clock: WallClock
  readonly now: number
  readonly today: IsoDate
  readonly records: EmployeeRecords
  readonly rules: CompanyRules
  /** By begin. */
  readonly breaks: readonly Span[]
  readonly #pairs: readonly Pair[]
  readonly #parts = new Map<IsoDate, Part[]>()
  readonly #alone = new Map<IsoDate, Set<ErrorCode>>()
  readonly #firstPairs = new Map<IsoDate, number>()

  constructor(records: EmployeeRecords, rules: CompanyRules, { zone, now }: Present) {
    this.records = records
    this.rules = rules
    this.clock = new WallClock(zone)
    this.now = now
    const dateAt = (instant: number) => dateOf(new Date(instant), zone)
    this.today = dateAt(now)
    const { from: todayFrom } = this.clock.dayOf(this.today)
    this.breaks = pairBookings(records.bookings, ['break_start', 'break_end'], now, todayFrom).pairs
    const { pairs, alone } = pairBookings(records.bookings, ['come', 'go'], now, todayFrom)
    this.#pairs = pairs
    for (const { at, kind } of alone) {
      const codes = memberOf(this.#alone, dateAt(at), () => new Set<ErrorCode>())
      codes.add(kind === 'come' ? 'MISSING_GO' : 'MISSING_COME')
    }
    const days = {
      dateOf: dateAt,
      dayOf: (date: IsoDate) => this.clock.dayOf(date),
      isOvernight: (date: IsoDate) => this.planOn(date)?.isOvernight ?? false,
    }
    for (const [index, pair] of pairs.entries()) {
      memberOf(this.#firstPairs, dateAt(pair.from), () => index)
      for (const [date, part] of partsOf(pair, days)) memberOf(this.#parts, date, () => []).push(part)
    }
  }

  /** Rule 1. */
  hasRow(date: IsoDate): boolean {
    const { entryDate, exitDate } = this.records
    return date >= entryDate && (exitDate === null || date <= exitDate) && date <= this.today
  }

  /** Rule 2. `null`: a day off. */
  planOn(date: IsoDate): DayPlan | null {
    const id = planIdOn(date, this.records.assignments)
    if (id === null) return null
    const plan = this.rules.plans.get(id)
    if (!plan) throw new Error(`Expected a row of day_plans for the assigned plan ${id} on ${date}`)
    return plan
  }

  /** By begin. */
  partsOn(date: IsoDate): readonly Part[] {
    return this.#parts.get(date) ?? []
  }

  missingOn(date: IsoDate): Iterable<ErrorCode> {
    return this.#alone.get(date) ?? []
  }

  /** How long the rest was before the first pair that begins on the date; `undefined`: there is no such pair, or none before it. */
  restBefore(date: IsoDate): number | undefined {
    const index = this.#firstPairs.get(date)
    if (index === undefined) return undefined
    const [before, first] = [this.#pairs[index - 1], this.#pairs[index]]
    return before && first && first.from - before.to
  }
}

function memberOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
