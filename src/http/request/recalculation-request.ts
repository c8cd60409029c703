import type { AllRequest, BatchRequest } from '../../run/plan/resolve-request.ts'
import type { Recalculation } from '../openapi/schemas/recalculation.ts'

/** What a body asks the service for. */
export function requestOf(body: Recalculation): AllRequest | BatchRequest {
  const { tenant_id: tenantId, employee_ids: employeeIds, start_date: from, end_date: to } = body
  return employeeIds === undefined ? { tenantId, from, to } : { tenantId, employeeIds, from, to }
}
