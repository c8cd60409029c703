import { dateOf, dayBounds } from '../../calendar/zone.ts'
import type { CalcContext } from '../../pipeline/context.ts'
import type { RunPlan } from './run-plan.ts'
import type { EmployeeZones, Zones } from './zones.ts'

/** The calendar of a run, as calculators get it. Made once, because a calculator's context is made for every block. */
export interface RunCalendar extends Pick<CalcContext, 'zoneOf' | 'dayBounds' | 'dateOf'> {
  /** Undefined: everybody is in the tenant's zone. */
  readonly employeeZones: EmployeeZones | undefined
}

/**
 * @param stopping Ends the wait for an employee's zone.
 * @param most How many employees' zones are remembered.
 */
export function runCalendar(
  zones: Zones,
  plan: Pick<RunPlan, 'tenantId' | 'zone' | 'dayStartsAt'>,
  { stopping, most }: { readonly stopping: () => AbortSignal; readonly most: number },
): RunCalendar {
  const { zone, dayStartsAt: startsAt } = plan
  const start = startsAt === undefined ? undefined : { startsAt }
  const employeeZones = zones.ofRun(plan.tenantId, most, stopping)
  return {
    employeeZones,
    zoneOf: employeeZones ?? (async () => zone),
    dayBounds: (date, own = zone) => dayBounds(date, own, start),
    dateOf: (instant, own = zone) => dateOf(instant, own, start),
  }
}
