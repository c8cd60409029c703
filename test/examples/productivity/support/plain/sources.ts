/**
 * The source tables as the rules speak of them: instants in milliseconds, dates as `YYYY-MM-DD`, decimals in whole
 * hundredths, so that nothing here is ever a fraction.
 */
export interface PlainSources {
  readonly employees: readonly PlainEmployee[]
  readonly roleConfigs: readonly PlainRole[]
  readonly payRates: readonly PlainPayRate[]
  readonly clockTimes: readonly PlainClockTime[]
  readonly activityLogs: readonly PlainActivity[]
}

interface PlainEmployee {
  readonly id: string
  readonly name: string
  readonly is_active: 0 | 1
}

export interface PlainRole {
  readonly id: number
  readonly role_name: string
  readonly role_type: 'continuous' | 'batch'
  /** In hundredths. */
  readonly multiplier: number
  readonly expected_per_hour: number | null
  readonly idle_threshold_minutes: number | null
}

export interface PlainPayRate {
  readonly employee_id: string
  readonly effective_from: string
  /** In hundredths. */
  readonly hourly_rate: number
}

export interface PlainClockTime {
  readonly id: number
  readonly employee_id: string
  readonly clock_in: number
  readonly clock_out: number | null
  readonly break_minutes: number
}

export interface PlainActivity {
  readonly id: number
  readonly employee_id: string
  readonly role_id: number
  readonly window_start: number
  readonly window_end: number
  readonly items_count: number
}
