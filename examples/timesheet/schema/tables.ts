import type { ColumnType, Generated, Kysely, Transaction } from 'kysely'
import type { BookingKind } from '../rules/bookings.ts'
import type { DayStatus, ErrorCode } from '../rules/daily-value.ts'
import type { DayPlan } from '../rules/plan.ts'

/**
 * Whole milliseconds since 1970-01-01T00:00:00Z. The column is of the engine's own type: `DATETIME(3)` in UTC, `timestamptz`,
 * in SQLite an integer.
 */
type Instant = number

/** The columns of instants, in whichever table. */
export const INSTANTS: ReadonlySet<string> = new Set(['at', 'first_come', 'last_go'])

/** `YYYY-MM-DD`, in the zone of the work. */
type WorkDate = string

type Flag = 0 | 1

/** Read as a number or a string, as the driver likes. */
type Decimal = ColumnType<number | string, number, number>

/** The tables of the back end; one database serves one tenant. */
export interface Tables {
  employees: EmployeesTable
  day_plans: DayPlansTable
  break_rules: { plan_id: number; after_minutes: number; break_minutes: number }
  plan_assignments: PlanAssignmentsTable
  holidays: { date: WorkDate; name: string; credit_percent: number }
  absence_kinds: { kind: string; credit_percent: number; is_vacation: Flag }
  absences: AbsencesTable
  bookings: BookingsTable
  flextime_rules: FlextimeRulesTable
  closed_months: { employee_id: string; month: string }
  daily_values: DailyValuesTable
  daily_errors: { employee_id: string; work_date: WorkDate; code: ErrorCode }
  work_time_averages: {
    employee_id: string
    work_date: WorkDate
    days: number
    average: Decimal
    over_limit: Flag
  }
  monthly_values: MonthlyValuesTable
}

interface EmployeesTable {
  id: string
  name: string
  entry_date: WorkDate
  exit_date: WorkDate | null
  flextime_start: number
}

export interface DayPlansTable {
  id: number
  name: string
  target_minutes: number
  /** Times of the wall clock, `HH:MM`. */
  frame_from: string
  frame_to: string
  core_from: string | null
  core_to: string | null
  tolerance_minutes: number
  round_come: number
  round_go: number
  max_net_minutes: number | null
  overnight: Flag
  no_booking: DayPlan['noBooking']
}

/** Plans of the week; NULL: a day off. */
export interface PlanAssignmentsTable {
  employee_id: string
  valid_from: WorkDate
  monday: number | null
  tuesday: number | null
  wednesday: number | null
  thursday: number | null
  friday: number | null
  saturday: number | null
  sunday: number | null
}

interface AbsencesTable {
  id: Generated<number>
  employee_id: string
  from_date: WorkDate
  to_date: WorkDate
  kind: string
  half_day: Flag
}

interface BookingsTable {
  id: Generated<number>
  employee_id: string
  at: Instant
  kind: BookingKind
}

interface FlextimeRulesTable {
  id: number
  max_credit_per_month: number | null
  cap: number | null
  floor: number | null
}

interface DailyValuesTable {
  employee_id: string
  work_date: WorkDate
  plan_id: number | null
  first_come: Instant | null
  last_go: Instant | null
  gross: number
  breaks: number
  net: number
  target: number
  credited: number
  overtime: number
  consecutive_days: number
  status: DayStatus
}

interface MonthlyValuesTable {
  employee_id: string
  /** `YYYY-MM`. */
  month: string
  net: number
  target: number
  credited: number
  overtime: number
  flextime_start: number
  flextime_change: number
  flextime_end: number
  error_days: number
  vacation_days: Decimal
}

/** The back end's database. */
export type Database = Kysely<Tables>

/** What the stages get as `context.tx`. */
export type Tx = Transaction<Tables>
