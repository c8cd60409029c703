import { z } from 'zod'
import { JobConflictError } from '../../errors.ts'
import { JOB_STATUSES } from '../../jobs/job-record.ts'
import { ownJob } from '../own-job.ts'
import { json } from '../responses.ts'
import { route } from '../route.ts'
import { named } from '../schemas/components.ts'
import { pathField, textField } from '../schemas/fields.ts'
import { conflictFor } from './start.ts'

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

/** Takes a job up again. */
export const resumeRoute = route(
  {
    method: 'POST',
    path: '/resume/:job_id',
    action: 'resume',
    name: 'resume',
    summary: 'Takes up what failed and what was not reached, nothing else',
    body: z.strictObject({}, { error: 'an empty JSON object, or no body' }).optional(),
    answers: {
      202: {
        description: 'It is taken up',
        schema: named(
          'ResumedJob',
          z.strictObject({
            job_id: z.string(),
            status: z.enum(JOB_STATUSES),
            stream_url: pathField('Where its events are'),
            status_url: pathField('Where it tells how it stands'),
          }),
        ),
      },
    },
    problems: [409],
  },
  async (call) => {
    const { recalc, paths } = call.api
    const { id } = await ownJob(call)
    await recalc.resumeJob(id).catch(async (error: unknown) => {
      throw error instanceof JobConflictError ? await conflictFor(call, error.activeJobId) : error
    })
    const { status } = await recalc.getJob(id)
    return json({ job_id: id, status, stream_url: paths.stream(id), status_url: paths.status(id) }, { status: 202 })
  },
)
