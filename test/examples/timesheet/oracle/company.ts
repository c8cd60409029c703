/** A company as its source tables hold it, for the second implementation and for inserting. */
export interface Company {
  readonly employees: readonly {
    id: string
    name: string
    entry_date: string
    exit_date: string | null
    flextime_start: number
  }[]
  readonly day_plans: readonly {
    id: number
    name: string
    target_minutes: number
    frame_from: string
    frame_to: string
    core_from: string | null
    core_to: string | null
    tolerance_minutes: number
    round_come: number
    round_go: number
    max_net_minutes: number | null
    overnight: 0 | 1
    no_booking: 'error' | 'target' | 'zero'
  }[]
  readonly break_rules: readonly { plan_id: number; after_minutes: number; break_minutes: number }[]
  readonly plan_assignments: readonly {
    employee_id: string
    valid_from: string
    monday: number | null
    tuesday: number | null
    wednesday: number | null
    thursday: number | null
    friday: number | null
    saturday: number | null
    sunday: number | null
  }[]
  readonly holidays: readonly { date: string; name: string; credit_percent: number }[]
  readonly absence_kinds: readonly { kind: string; credit_percent: number; is_vacation: 0 | 1 }[]
  readonly absences: readonly {
    id: number
    employee_id: string
    from_date: string
    to_date: string
    kind: string
    half_day: 0 | 1
  }[]
  readonly bookings: readonly {
    id: number
    employee_id: string
    at: number
    kind: 'come' | 'go' | 'break_start' | 'break_end'
  }[]
  readonly flextime_rules: readonly {
    id: number
    max_credit_per_month: number | null
    cap: number | null
    floor: number | null
  }[]
}
