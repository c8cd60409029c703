import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { countField, idField, instantField } from '../openapi/schemas/fields.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

/** The most tenants that are told of at once. */
const TENANTS = 50

const freshness = named(
  'Freshness',
  z.strictObject({
    tenants: z.array(
      z.strictObject({
        tenant_id: z.string(),
        dirty_employees: countField('Employees with changes'),
        changes: countField('Changes that wait, fail or are held'),
        oldest_at: instantField('When the oldest change was noted that is waiting or failing').nullable(),
        failing: countField('Changes that failed, and are tried again after a pause'),
        held: countField('Changes to closed days'),
      }),
    ),
    more: z.boolean().meta({ description: `There are more than ${TENANTS} tenants: ask for one` }),
  }),
  'How much is noted and not settled',
)

/** How fresh the derived rows are. */
export const freshnessRoute = route(
  {
    method: 'GET',
    path: '/freshness',
    action: 'read',
    name: 'freshness',
    summary: 'How much is noted and not settled: of one tenant, or of all that have anything',
    query: z.strictObject({ tenant_id: idField('Only of this tenant').optional() }),
    answers: { 200: { description: 'By tenant', schema: freshness } },
  },
  async (call) => {
    const { recalc } = call.api
    const { tenant_id: tenantId } = call.query
    if (tenantId !== undefined) checkOwnTenant(call, tenantId)
    const { tenants: own } = call.access
    const ids =
      tenantId !== undefined ? [tenantId] : own === '*' ? await recalc.listDirtyTenants({ limit: TENANTS + 1 }) : own
    const tenants = []
    for (const id of ids.slice(0, TENANTS)) {
      const { dirtyEmployees, changes, oldestAt, failing, held } = await recalc.freshness({ tenantId: id })
      const oldest = oldestAt?.toISOString() ?? null
      tenants.push({ tenant_id: id, dirty_employees: dirtyEmployees, changes, oldest_at: oldest, failing, held })
    }
    return json({ tenants, more: ids.length > TENANTS })
  },
)
