import type { CaptureSources } from 'recalc-service/sql'

/** The source tables, and how their rows tell whose days they touch: for triggers that note every edit by themselves. */
export function capturedSources(tenantId: string) {
  const tenant = { always: tenantId }
  const employee = 'employee_id'
  return {
    clock_times: { tenant, employee, instants: ['clock_in', 'clock_out'] },
    activity_logs: { tenant, employee, instants: ['window_start', 'window_end'] },
    pay_rates: { tenant, employee, from: 'effective_from' },
    role_configs: { tenant, everybody: true },
  } as const satisfies CaptureSources
}
