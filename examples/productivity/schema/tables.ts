import type { ColumnType, Generated, GeneratedAlways, Kysely, Transaction } from 'kysely'

/**
 * Whole milliseconds since 1970-01-01T00:00:00Z. The column is of the engine's own type: `DATETIME(3)` in UTC, `timestamptz`,
 * in SQLite an integer; `withInstants` stands between.
 */
type Instant = number

/** The columns of instants, in whichever table. */
export const INSTANTS: ReadonlySet<string> = new Set([
  'clock_in',
  'clock_out',
  'window_start',
  'window_end',
  'long_window_end',
  'start_time',
  'end_time',
  'event_at',
  'acknowledged_at',
  'since',
  'last_activity_at',
])

/** `YYYY-MM-DD`, in the zone of the work. */
type WorkDate = string

/** Read as a number or a string, as the driver likes; the code counts in whole hundredths. */
type Decimal = ColumnType<number | string, number, number>

/** The tables of the back end; one database serves one tenant. */
export interface Tables {
  employees: EmployeesTable
  role_configs: RoleConfigsTable
  pay_rates: PayRatesTable
  clock_times: ClockTimesTable
  activity_logs: ActivityLogsTable
  daily_scores: DailyScoresTable
  idle_periods: IdlePeriodsTable
  alerts: AlertsTable
  employee_hourly_costs: HourlyCostsTable
  employee_primary_roles: PrimaryRolesTable
  employee_current_status: CurrentStatusTable
}

export interface EmployeesTable {
  id: string
  name: string
  is_active: Generated<0 | 1>
}

export interface RoleConfigsTable {
  id: number
  role_name: string
  role_type: 'continuous' | 'batch'
  multiplier: Decimal
  /** Of batch roles. */
  expected_per_hour: number | null
  /** Of continuous roles. */
  idle_threshold_minutes: number | null
}

export interface PayRatesTable {
  employee_id: string
  /** Holds from this date on, until a later one begins. */
  effective_from: WorkDate
  hourly_rate: Decimal
}

export interface ClockTimesTable {
  id: Generated<number>
  employee_id: string
  clock_in: Instant
  /** NULL: the shift is open. */
  clock_out: Instant | null
  break_minutes: number
}

export interface ActivityLogsTable {
  id: Generated<number>
  employee_id: string
  role_id: number
  window_start: Instant
  window_end: Instant
  items_count: number
  /** `window_end` of a window of more than 24 hours, otherwise NULL. */
  long_window_end: GeneratedAlways<Instant | null>
}

export interface DailyScoresTable {
  employee_id: string
  score_date: WorkDate
  items_processed: number
  points_earned: Decimal
  clocked_minutes: number
  idle_minutes: number
  active_minutes: number
  efficiency_rate: Decimal
}

export interface IdlePeriodsTable {
  employee_id: string
  work_date: WorkDate
  start_time: Instant
  end_time: Instant
  duration_minutes: number
  threshold_minutes: Decimal
}

export interface AlertsTable {
  employee_id: string
  work_date: WorkDate
  alert_type: 'idle_detected' | 'missing_clock_out' | 'implausible_shift'
  event_at: Instant
  severity: 'warning' | 'critical'
  message: string
  /** Written by whoever has seen to it; recalculating never touches it. */
  acknowledged_at: Instant | null
  acknowledged_by: string | null
}

interface HourlyCostsTable {
  employee_id: string
  work_date: WorkDate
  hourly_rate: Decimal
  labor_cost: Decimal
  /** NULL on a day without items. */
  cost_per_item: ColumnType<number | string | null, number | null, number | null>
}

interface PrimaryRolesTable {
  employee_id: string
  role_id: number
  items: number
  as_of: WorkDate
}

export interface CurrentStatusTable {
  employee_id: string
  status: 'working' | 'idle' | 'off'
  since: Instant | null
  last_activity_at: Instant | null
  role_id: number | null
  items_today: number
  points_today: Decimal
}

/** The back end's database. */
export type Database = Kysely<Tables>

/** What the stages get as `context.tx`. */
export type Tx = Transaction<Tables>
