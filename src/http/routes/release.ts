import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { dirtyScope, scopeOf } from '../openapi/schemas/dirty-scope.ts'
import { countField } from '../openapi/schemas/fields.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

/** Asks again whether days are still closed. */
export const releaseRoute = route(
  {
    method: 'POST',
    path: '/release',
    action: 'release',
    name: 'release',
    summary: 'Has it asked again at once whether held days are still closed, as after a period was opened',
    body: dirtyScope,
    answers: {
      200: {
        description: 'They are looked at again',
        schema: named('Released', z.strictObject({ released: countField('How many changes') })),
      },
    },
  },
  async (call) => {
    checkOwnTenant(call, call.body.tenant_id)
    return json({ released: await call.api.recalc.releaseHeld(scopeOf(call.body)) })
  },
)
