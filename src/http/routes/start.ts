import { createHash } from 'node:crypto'
import { z } from 'zod'
import { JobConflictError } from '../../errors.ts'
import type { Call } from '../call.ts'
import { named } from '../openapi/schemas/components.ts'
import { pathField } from '../openapi/schemas/fields.ts'
import { type Recalculation, recalculation } from '../openapi/schemas/recalculation.ts'
import { askedBy } from '../request/asked-by.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { requestOf } from '../request/recalculation-request.ts'
import { conflictFor } from '../response/job-conflict.ts'
import { json } from '../response/json.ts'
import { estimateFields, estimateOf } from './estimate.ts'
import { route } from './route.ts'

const startedJob = named(
  'StartedJob',
  z.strictObject({
    job_id: z.string(),
    status: z.literal('queued'),
    ...estimateFields,
    stream_url: pathField('Where its events are'),
    status_url: pathField('Where it tells how it stands'),
  }),
  'A job that was just asked for',
)

type StartedJob = z.output<typeof startedJob>

const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, { error: '1 to 255 visible ASCII characters' })
  .meta({ description: 'A repeated request with the same key gets the first answer again, and starts nothing' })

/** Starts a job. */
export function startRoute() {
  const answers = new FirstAnswers()
  return route(
    {
      method: 'POST',
      path: '/',
      action: 'start',
      name: 'start',
      summary: 'Starts a job',
      body: recalculation,
      headers: z.object({ 'idempotency-key': idempotencyKey.optional() }),
      answers: {
        201: { description: 'The job is queued', schema: startedJob, headers: { Location: 'Its status_url' } },
      },
      problems: [404, 409, 422, 429],
    },
    async (call) => {
      const { api, body, headers } = call
      checkOwnTenant(call, body.tenant_id)
      const estimated = await estimateOf(api, body)
      const jobId = await startJob(call, body, headers['idempotency-key'])
      const answer: StartedJob = {
        job_id: jobId,
        status: 'queued',
        ...estimated,
        stream_url: api.paths.stream(jobId),
        status_url: api.paths.status(jobId),
      }
      return json(answers.first(body, answer), { status: 201, headers: { Location: answer.status_url } })
    },
  )
}

/** The answers of the last jobs, so that a repeated request gets the very same, whatever was learned meanwhile. */
class FirstAnswers {
  static readonly #KEPT = 1_000
  readonly #byJobAndBody = new Map<string, StartedJob>()

  first(body: Recalculation, answer: StartedJob): StartedJob {
    // Once a job is forgotten its key, and with it its id, may stand for another request.
    const key = `${answer.job_id} ${createHash('sha256').update(JSON.stringify(body)).digest('hex')}`
    const known = this.#byJobAndBody.get(key)
    if (known) return known
    this.#byJobAndBody.set(key, answer)
    if (this.#byJobAndBody.size > FirstAnswers.#KEPT) {
      const [oldest] = this.#byJobAndBody.keys()
      if (oldest !== undefined) this.#byJobAndBody.delete(oldest)
    }
    return answer
  }
}

async function startJob({ api, access }: Call, body: Recalculation, key: string | undefined): Promise<string> {
  const { recalc, options } = api
  const { tables, clear_existing: clearExisting, when_busy: whenBusy } = body
  const how = {
    ...(tables && { tables }),
    ...(clearExisting !== undefined && { clearExisting }),
    ...(whenBusy && { whenBusy }),
    ...askedBy(access, body),
    ...(key !== undefined && { idempotencyKey: key }),
    cooldownMs: options.cooldownMs,
  }
  const request = requestOf(body)
  try {
    const { id } = await ('employeeIds' in request
      ? recalc.triggerRecalcBatchAsync(request, how)
      : recalc.triggerRecalcAllAsync(request, how))
    return id
  } catch (error) {
    throw error instanceof JobConflictError ? await conflictFor({ api, access }, error.activeJobId) : error
  }
}
