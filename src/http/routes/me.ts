import { z } from 'zod'
import { ACTIONS } from '../auth/access.ts'
import { named } from '../openapi/schemas/components.ts'
import { instantField } from '../openapi/schemas/fields.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

/** What the caller may do, and with what. */
export const meRoute = route(
  {
    method: 'GET',
    path: '/me',
    action: 'read',
    name: 'me',
    summary: 'What the caller may do, and which tables there are',
    answers: {
      200: {
        description: 'Tenants, actions and tables',
        schema: named(
          'Access',
          z.strictObject({
            tenants: z.union([z.array(z.string()), z.literal('*')]),
            actions: z.union([z.array(z.enum(ACTIONS)), z.literal('*')]),
            expires_at: instantField('When the credentials end').nullable(),
            tables: z
              .array(z.string())
              .meta({ description: 'What `tables` of a recalculation may name; empty: it has to be left out' }),
          }),
        ),
      },
    },
  },
  async ({ api, access: { tenants, actions, expiresAt } }) => {
    return json({ tenants, actions, expires_at: expiresAt?.toISOString() ?? null, tables: api.recalc.tables })
  },
)
