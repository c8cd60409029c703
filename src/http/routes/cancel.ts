import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { textField } from '../openapi/schemas/fields.ts'
import { ownJob } from '../request/own-job.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

const cancellation = named(
  'Cancellation',
  z.strictObject({ reason: textField('Why', 1_000).optional() }, { error: 'a JSON object' }),
)

/** Ends a job gracefully. */
export const cancelRoute = route(
  {
    method: 'POST',
    path: '/cancel/:job_id',
    action: 'cancel',
    name: 'cancel',
    summary: 'Lets what is in flight end and starts nothing more; the job can be resumed',
    body: cancellation.optional(),
    answers: {
      200: {
        description: 'It was asked to end, or had ended already',
        schema: named(
          'Cancelled',
          z.strictObject({
            cancelled: z.boolean().meta({ description: 'False when it had ended already' }),
            stage_at_cancel: z.string().nullable().meta({ description: 'The stage it was in' }),
          }),
        ),
      },
    },
  },
  async (call) => {
    const { id, stage, stages } = await ownJob(call)
    const cancelled = await call.api.recalc.cancelJob(id, call.body?.reason)
    const present = stages.find(({ number }) => number === stage)
    return json({ cancelled, stage_at_cancel: present?.name ?? null })
  },
)
