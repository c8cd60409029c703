import { z } from 'zod'
import { ACTIONS } from '../access.ts'
import { json } from '../responses.ts'
import { route } from '../route.ts'
import { named } from '../schemas/components.ts'

/** What the caller may do. */
export const meRoute = route(
  {
    method: 'GET',
    path: '/me',
    action: 'read',
    name: 'me',
    summary: 'What the caller may do',
    answers: {
      200: {
        description: 'Tenants and actions',
        schema: named(
          'Access',
          z.strictObject({
            tenants: z.union([z.array(z.string()), z.literal('*')]),
            actions: z.union([z.array(z.enum(ACTIONS)), z.literal('*')]),
          }),
        ),
      },
    },
  },
  async ({ access: { tenants, actions } }) => json({ tenants, actions }),
)
