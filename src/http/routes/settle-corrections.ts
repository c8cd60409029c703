import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { countField, idField } from '../openapi/schemas/fields.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

const MOST_IDS = 1_000

const settleRequest = named(
  'CorrectionsSettleRequest',
  z.strictObject({
    tenant_id: idField('Whose data'),
    ids: z
      .array(z.string({ error: 'the id of a correction' }), { error: `at most ${MOST_IDS} ids of corrections` })
      .max(MOST_IDS, { error: `at most ${MOST_IDS} ids of corrections` })
      .meta({ description: 'Of corrections, as they were listed; all of them or none are taken over' }),
  }),
  'Corrections that were taken over',
)

/** Remembers that corrections were taken over. */
export const settleCorrectionsRoute = route(
  {
    method: 'POST',
    path: '/corrections/settle',
    action: 'settle-corrections',
    name: 'settleCorrections',
    summary:
      'Remembers that corrections were taken over, so that later lists hold what has come since; repeating it is harmless',
    body: settleRequest,
    answers: {
      200: {
        description: 'They are remembered',
        schema: named(
          'CorrectionsSettled',
          z.strictObject({
            settled: countField('Corrections that are remembered now'),
            settled_before: countField('Corrections that were taken over before'),
          }),
        ),
      },
    },
    problems: [404, 409],
  },
  async (call) => {
    const { api, body, access, request } = call
    checkOwnTenant(call, body.tenant_id)
    const { actor } = access
    const settled = await api.recalc.settleCorrections(
      { tenantId: body.tenant_id, ids: body.ids, ...(actor !== undefined && { actor }) },
      { signal: request.signal },
    )
    return json({ settled: settled.settled, settled_before: settled.settledBefore })
  },
)
