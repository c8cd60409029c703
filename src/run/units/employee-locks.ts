import type { RunSettings } from '../run-settings.ts'
import { observedWait } from '../telemetry.ts'
import { KeyedLocks } from './keyed-locks.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** The id that stands for the tenant as a whole in `lockEmployees`; no employee has it. */
export const WHOLE_TENANT = ''

// Services that share a unit of work share its locks: they write to the same database.
const locksOfUnitOfWork = new WeakMap<UnitOfWork<unknown>, KeyedLocks>()

/** The locks of this process for everything that is written through `unitOfWork`. */
export function employeeLocks<Tx>(unitOfWork: UnitOfWork<Tx>): KeyedLocks {
  let locks = locksOfUnitOfWork.get(unitOfWork)
  if (!locks) {
    locks = new KeyedLocks()
    locksOfUnitOfWork.set(unitOfWork, locks)
  }
  return locks
}

/** The names of employees in {@link employeeLocks}, in the order in which they must be taken. */
export function lockKeys(tenantId: string, employeeIds: readonly string[]): readonly string[] {
  // The length in front keeps any two pairs of tenant and employee apart.
  return employeeIds.map((id) => `${tenantId.length}:${tenantId}:${id}`).sort()
}

/** Locks employees in the backend until the unit of work ends. */
export function lockInBackend<Tx>(
  { unitOfWork, telemetry }: RunSettings<Tx>,
  tx: Tx,
  tenantId: string,
  employeeIds: readonly string[],
): Promise<void> {
  return observedWait(telemetry, 'backend', () => unitOfWork.lockEmployees(tx, tenantId, employeeIds))
}
