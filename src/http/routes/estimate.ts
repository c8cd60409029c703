import { z } from 'zod'
import type { Api } from '../call.ts'
import { named } from '../openapi/schemas/components.ts'
import { countField } from '../openapi/schemas/fields.ts'
import { type Recalculation, recalculation } from '../openapi/schemas/recalculation.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { requestOf } from '../request/recalculation-request.ts'
import { inSeconds } from '../response/job-view.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

/** What an estimate tells. */
export const estimateFields = {
  employees: countField('How many it is about'),
  total_days: countField('Employees × dates'),
  estimated_duration_seconds: z
    .number()
    .min(0)
    .nullable()
    .meta({ description: 'At the speed of finished jobs; null while there is none' }),
}

const estimate = named(
  'Estimate',
  z.strictObject(estimateFields),
  'How big a recalculation is and how long it may take',
)

/** How big a recalculation is. */
export const estimateRoute = route(
  {
    method: 'POST',
    path: '/estimate',
    action: 'read',
    name: 'estimate',
    summary: 'How big a recalculation is and how long it may take',
    body: recalculation,
    answers: { 200: { description: 'The estimate', schema: estimate } },
    problems: [404],
  },
  async (call) => {
    checkOwnTenant(call, call.body.tenant_id)
    return json(await estimateOf(call.api, call.body))
  },
)

/** How big what a body asks for is. */
export async function estimateOf({ recalc }: Api, body: Recalculation) {
  const { tables } = body
  const { employees, totalDays, estimatedDurationMs } = await recalc.estimate(requestOf(body), {
    ...(tables && { tables }),
  })
  return { employees, total_days: totalDays, estimated_duration_seconds: inSeconds(estimatedDurationMs) }
}
