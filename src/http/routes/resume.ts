import { z } from 'zod'
import { JobConflictError } from '../../errors.ts'
import { JOB_STATUSES } from '../../jobs/job-record.ts'
import { named } from '../openapi/schemas/components.ts'
import { pathField, whenBusyField } from '../openapi/schemas/fields.ts'
import { ownJob } from '../request/own-job.ts'
import { conflictFor } from '../response/job-conflict.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

/** Takes a job up again. */
export const resumeRoute = route(
  {
    method: 'POST',
    path: '/resume/:job_id',
    action: 'resume',
    name: 'resume',
    summary: 'Takes up what failed and what was not reached, nothing else',
    body: named(
      'Resumption',
      z.strictObject({ when_busy: whenBusyField.optional() }, { error: 'a JSON object, or no body' }),
    ).optional(),
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
    const whenBusy = call.body?.when_busy
    const { id } = await ownJob(call)
    await recalc.resumeJob(id, whenBusy ? { whenBusy } : {}).catch(async (error: unknown) => {
      throw error instanceof JobConflictError ? await conflictFor(call, error.activeJobId) : error
    })
    const { status } = await recalc.getJob(id)
    return json({ job_id: id, status, stream_url: paths.stream(id), status_url: paths.status(id) }, { status: 202 })
  },
)
