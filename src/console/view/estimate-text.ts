import { formatCount, formatDuration, formatPlural } from '../model/format.ts'
import type { Estimate, StartRequest } from '../net/api-types.ts'
import { rangeOf } from './job-list-view.ts'

/** What starting a request comes to, in words. */
export function estimateText(request: StartRequest, estimate: Estimate): string {
  const { employees, total_days, estimated_duration_seconds: seconds } = estimate
  if (total_days === 0) return `${request.tenant_id}, ${rangeOf(request)}: there is nothing to recalculate.`
  const days = total_days / Math.max(1, employees)
  const amount = `${formatPlural(employees, 'employee')} × ${formatPlural(days, 'day')} = ${formatPlural(total_days, 'employee-day')}`
  const tables = request.tables ? `, ${formatCount(request.tables.length)} of the tables` : ''
  const time = seconds === null ? 'How long it takes is not known yet.' : `It may take ${formatDuration(seconds)}.`
  return `${request.tenant_id}, ${rangeOf(request)}: ${amount}${tables}. ${time}`
}
