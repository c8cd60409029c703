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
    failed: countField('Employee-days and periods that failed; they keep their changes'),
    failed_stages: z.array(z.string()).meta({ description: 'Tenant stages that failed; they keep their changes' }),
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
    const end = new AbortController()
    const goes = () => end.abort()
    request.signal.addEventListener('abort', goes, { once: true })
    const timer = api.options.clock.setTimeout(goes, LONGEST_MS)
    // Calculations in flight are told to give up; one that does not listen is not waited for.
    const ended = new Promise<'ended'>((resolve) => end.signal.addEventListener('abort', () => resolve('ended')))
    try {
      const settling = api.recalc.settle(scopeOf(body), { signal: end.signal })
      const outcome = await Promise.race([settling.catch(unlessEnded(end.signal)), ended])
      if (outcome === 'ended') return json({ settled: false }, { status: 202 })
      const { days, failed, failedStages } = outcome
      return json({ settled: true, days, failed, failed_stages: failedStages })
    } finally {
      timer.cancel()
      request.signal.removeEventListener('abort', goes)
    }
  },
)

function unlessEnded(signal: AbortSignal) {
  return (error: unknown): 'ended' => {
    if (signal.aborted) return 'ended'
    throw error
  }
}
