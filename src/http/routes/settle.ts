import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { dirtyScope, scopeOf } from '../openapi/schemas/dirty-scope.ts'
import { countField } from '../openapi/schemas/fields.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

/** The longest that a client is kept waiting, in milliseconds. */
const LONGEST_MS = 25_000

const settled = named(
  'Settled',
  z.strictObject({
    settled: z.literal(true),
    days: countField('Employee-days that were calculated'),
    failed_days: countField('The part of them that failed; they keep their changes'),
  }),
  'Nothing is waiting any more',
)

/** Settles now. */
export const settleRoute = route(
  {
    method: 'POST',
    path: '/settle',
    action: 'settle',
    name: 'settle',
    summary: 'Recalculates what was noted now, and answers when that is done; it ends early when the client goes',
    body: dirtyScope,
    answers: {
      200: { description: 'Nothing is waiting any more', schema: settled },
      202: {
        description: `There was more to do than ${LONGEST_MS / 1_000} seconds allow: ask again, or leave it to services that were started`,
        schema: named('NotSettled', z.strictObject({ settled: z.literal(false) }), 'Some changes are still waiting'),
      },
    },
  },
  async (call) => {
    const { api, body, request } = call
    checkOwnTenant(call, body.tenant_id)
    const late = new AbortController()
    const timer = api.options.clock.setTimeout(() => late.abort(), LONGEST_MS)
    try {
      const signal = AbortSignal.any([request.signal, late.signal])
      const { days, failed } = await api.recalc.settle(scopeOf(body), { signal })
      return json({ settled: true, days, failed_days: failed })
    } catch (error) {
      // Nobody hears the answer to a client that has gone.
      if (late.signal.aborted || request.signal.aborted) return json({ settled: false }, { status: 202 })
      throw error
    } finally {
      timer.cancel()
    }
  },
)
