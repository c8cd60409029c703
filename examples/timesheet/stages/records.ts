import type { Selectable } from 'kysely'
import type { Booking } from '../rules/bookings.ts'
import type { Absence } from '../rules/credit.ts'
import type { BreakRule, DayPlan, PlanAssignment } from '../rules/plan.ts'
import type { DayPlansTable, PlanAssignmentsTable, Tables } from '../schema/tables.ts'

/** Rows of the source tables, as the rules have them. */
export function planFrom(row: Selectable<DayPlansTable>, breakRules: readonly BreakRule[]): DayPlan {
  return {
    id: row.id,
    targetMinutes: row.target_minutes,
    frameFrom: row.frame_from,
    frameTo: row.frame_to,
    coreFrom: row.core_from,
    coreTo: row.core_to,
    toleranceMinutes: row.tolerance_minutes,
    roundCome: row.round_come,
    roundGo: row.round_go,
    maxNetMinutes: row.max_net_minutes,
    isOvernight: row.overnight === 1,
    noBooking: row.no_booking,
    breakRules: breakRules.toSorted((a, b) => a.afterMinutes - b.afterMinutes),
  }
}

export function breakRuleFrom(row: Selectable<Tables['break_rules']>): BreakRule {
  return { afterMinutes: row.after_minutes, breakMinutes: row.break_minutes }
}

export function assignmentFrom(row: Selectable<PlanAssignmentsTable>): PlanAssignment {
  const { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = row
  return { validFrom: row.valid_from, week: [monday, tuesday, wednesday, thursday, friday, saturday, sunday] }
}

/** @param kind What its kind says. */
export function absenceFrom(
  row: Selectable<Tables['absences']>,
  kind: Selectable<Tables['absence_kinds']> | undefined,
): Absence {
  if (!kind) throw new Error(`Expected a row of absence_kinds for ${row.kind}, the kind of absence ${row.id}`)
  return {
    id: row.id,
    from: row.from_date,
    to: row.to_date,
    creditPercent: kind.credit_percent,
    isVacation: kind.is_vacation === 1,
    isHalfDay: row.half_day === 1,
  }
}

export function bookingFrom({ id, at, kind }: Selectable<Tables['bookings']>): Booking {
  return { id, at, kind }
}
