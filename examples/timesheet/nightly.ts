import { addDays, dateOf, type JobHandle, type RecalcService } from 'recalc-service'
import type { Tx } from './schema/tables.ts'

/**
 * The night after: yesterday is over in the tenant's zone, so it is calculated for good, and today gets its row. The day before
 * yesterday is done once more, because a pair that began on it may have ended yesterday, as it was booked ahead.
 */
export function runNightly(
  timesheet: RecalcService<Tx>,
  { tenantId, zone, now }: { readonly tenantId: string; readonly zone: string; readonly now: Date },
): Promise<JobHandle> {
  const today = dateOf(now, zone)
  return timesheet.triggerRecalcAllAsync({ tenantId, from: addDays(today, -2), to: today }, { reason: 'nightly' })
}
