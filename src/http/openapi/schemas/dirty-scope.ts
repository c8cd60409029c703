import { z } from 'zod'
import { named } from './components.ts'
import { idField } from './fields.ts'

/** Whose changes are meant. */
export const dirtyScope = named(
  'DirtyScope',
  z.strictObject(
    { tenant_id: idField('Whose changes'), employee_id: idField('Only those of this employee').optional() },
    { error: 'a JSON object' },
  ),
  'Whose changes are meant',
)

/** The same, as the library calls it. */
export function scopeOf({ tenant_id: tenantId, employee_id: employeeId }: z.output<typeof dirtyScope>) {
  return { tenantId, ...(employeeId !== undefined && { employeeId }) }
}
