import { total } from './arithmetic.ts'
import { type Absence, absenceOn } from './credit.ts'
import type { DailyValue } from './daily-value.ts'

/** Limits of the balance, in minutes; `null`: none. */
export interface FlextimeRules {
  readonly maxCreditPerMonth: number | null
  readonly cap: number | null
  readonly floor: number | null
}

/** What a month needs of its days. */
export interface MonthDay extends Pick<DailyValue, 'net' | 'target' | 'credited' | 'overtime' | 'status'> {
  /** `YYYY-MM-DD`. */
  readonly date: string
}

/** A month's sums, in minutes. */
export interface MonthlyValue {
  readonly net: number
  readonly target: number
  readonly credited: number
  readonly overtime: number
  readonly flextimeStart: number
  readonly flextimeChange: number
  readonly flextimeEnd: number
  readonly errorDays: number
  /** In half days. */
  readonly halfVacationDays: number
}

interface MonthFacts {
  readonly days: readonly MonthDay[]
  readonly absences: readonly Absence[]
  readonly holidays: { has(date: string): boolean }
  readonly rules: FlextimeRules
  /** Of the first month. */
  readonly firstFlextime: number
}

/** Rule 13. `null`: the month has no days. @param before The month before; `null`: this is the first one. */
export function calculateMonth(
  { days, absences, holidays, rules, firstFlextime }: MonthFacts,
  before: Pick<MonthlyValue, 'flextimeEnd'> | null,
): MonthlyValue | null {
  if (days.length === 0) return null
  const overtime = total(days, (day) => day.overtime)
  const flextimeStart = before?.flextimeEnd ?? firstFlextime
  const flextimeChange = Math.min(overtime, rules.maxCreditPerMonth ?? overtime)
  const capped = Math.min(flextimeStart + flextimeChange, rules.cap ?? Number.POSITIVE_INFINITY)
  return {
    net: total(days, (day) => day.net),
    target: total(days, (day) => day.target),
    credited: total(days, (day) => day.credited),
    overtime,
    flextimeStart,
    flextimeChange,
    flextimeEnd: Math.max(capped, rules.floor ?? Number.NEGATIVE_INFINITY),
    errorDays: days.filter(({ status }) => status === 'error').length,
    halfVacationDays: total(days, ({ date, target }) => {
      const absence = target > 0 && !holidays.has(date) ? absenceOn(date, absences) : undefined
      if (!absence?.isVacation) return 0
      return absence.isHalfDay ? 1 : 2
    }),
  }
}
