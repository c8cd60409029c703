import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { ownJob } from '../request/own-job.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

/** Holds a job until somebody resumes it. */
export const pauseRoute = route(
  {
    method: 'POST',
    path: '/pause/:job_id',
    action: 'pause',
    name: 'pause',
    summary: 'Lets what is in flight end and starts nothing more until the job is resumed; nobody else takes it up',
    body: z.strictObject({}, { error: 'an empty JSON object, or no body' }).optional(),
    answers: {
      200: {
        description: 'It was asked to pause, or had ended already',
        schema: named(
          'Paused',
          z.strictObject({
            paused: z.boolean().meta({ description: 'False when it had ended already, or is to be cancelled' }),
          }),
        ),
      },
    },
  },
  async (call) => {
    const { id } = await ownJob(call)
    return json({ paused: await call.api.recalc.pauseJob(id) })
  },
)
