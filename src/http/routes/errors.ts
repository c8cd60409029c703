import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { recordedFailure } from '../openapi/schemas/failure.ts'
import { idField, wholeNumberField } from '../openapi/schemas/fields.ts'
import { ownJob } from '../request/own-job.ts'
import { json } from '../response/json.ts'
import { failureView } from '../response/result-view.ts'
import { route } from './route.ts'

const failurePage = named(
  'FailurePage',
  z.strictObject({
    errors: z.array(recordedFailure),
    next: z.number().int().nullable().meta({ description: 'What to ask for with `after`; null on the last page' }),
  }),
  'Failures of a job, by number',
)

/** What failed. */
export const errorsRoute = route(
  {
    method: 'GET',
    path: '/errors/:job_id',
    action: 'read',
    name: 'errors',
    summary: 'What failed, in the order in which it did',
    query: z.strictObject({
      employee_id: idField('Only those of this employee').optional(),
      after: wholeNumberField('A number: only later ones', { least: 0, most: Number.MAX_SAFE_INTEGER }).optional(),
      limit: wholeNumberField('How many. Default 100', { least: 1, most: 500 }).optional(),
    }),
    answers: { 200: { description: 'A page of failures', schema: failurePage } },
  },
  async (call) => {
    const { recalc, options } = call.api
    const { employee_id: employeeId, after = 0, limit = 100 } = call.query
    const { id } = await ownJob(call)
    const found = await recalc.listJobFailures(id, {
      ...(employeeId !== undefined && { employeeId }),
      after,
      limit: limit + 1,
    })
    const page = found.slice(0, limit)
    const errors = page.map((failure) => ({
      number: failure.number,
      ...failureView(failure, options.describeFailure),
    }))
    return json({ errors, next: found.length <= limit ? null : (page.at(-1)?.number ?? null) })
  },
)
