import type { CaptureSources } from 'recalc-service/sql'

/** The source tables, and how their rows tell whose days they touch: for triggers that note every edit by themselves. */
export function capturedSources(tenantId: string) {
  const tenant = { always: tenantId }
  const employee = 'employee_id'
  return {
    bookings: { tenant, employee, instants: ['at'] },
    absences: { tenant, employee, dates: ['from_date', 'to_date'] },
    plan_assignments: { tenant, employee, from: 'valid_from' },
    employees: { tenant, employee: 'id', columns: ['entry_date', 'exit_date', 'flextime_start'] },
    holidays: { tenant, everybody: true, dates: ['date'] },
    absence_kinds: { tenant, everybody: true },
    day_plans: { tenant, everybody: true },
    break_rules: { tenant, everybody: true },
    flextime_rules: { tenant, everybody: true },
  } as const satisfies CaptureSources
}
