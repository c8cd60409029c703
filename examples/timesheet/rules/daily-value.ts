/** What can be wrong with a day. */
export type ErrorCode =
  | 'CORE_TIME'
  | 'MISSING_COME'
  | 'MISSING_GO'
  | 'NO_BOOKING'
  | 'OVER_TEN_HOURS'
  | 'REST_PERIOD'
  | 'SEVENTH_DAY'

export type DayStatus = 'error' | 'holiday' | 'absent' | 'present' | 'off' | 'open' | 'empty'

/** One day of one employee, in minutes and milliseconds since 1970. */
export interface DailyValue {
  readonly planId: number | null
  readonly firstCome: number | null
  readonly lastGo: number | null
  readonly gross: number
  readonly breaks: number
  readonly net: number
  readonly target: number
  readonly credited: number
  readonly overtime: number
  readonly consecutiveDays: number
  readonly status: DayStatus
  /** Sorted. */
  readonly errors: readonly ErrorCode[]
}
