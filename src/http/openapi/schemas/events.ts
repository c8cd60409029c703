import { z } from 'zod'
import { named } from './components.ts'
import { counterFields, failure, result } from './failure.ts'
import { instantField } from './fields.ts'

function eventOf<Type extends string, Fields extends z.core.$ZodLooseShape>(type: Type, fields: Fields) {
  return z.strictObject({
    type: z.literal(type),
    seq: z.number().int().min(1),
    job_id: z.string(),
    at: instantField('When it happened'),
    ...fields,
  })
}

/** Why a job holds still. */
export const waitingFor = z.string().nullable().meta({ description: 'Why it holds still; null while it goes on' })

const stages = z.array(z.strictObject({ number: z.number().int(), name: z.string(), title: z.string() }))

/** The data of a stored event in a stream. */
export const jobEvent = named(
  'JobEvent',
  z.discriminatedUnion('type', [
    eventOf('queued', {
      tenant_id: z.string(),
      from: z.string().meta({ format: 'date' }),
      to: z.string().meta({ format: 'date' }),
      reason: z.string().nullable(),
    }),
    eventOf('started', { stages }),
    eventOf('resumed', { stages, runs: z.number().int().min(1) }),
    eventOf('stage', { stage: z.number().int().min(1), name: z.string(), title: z.string() }),
    eventOf('progress', {
      ...counterFields,
      progress: z.number().min(0).max(1),
      current: z.number().int().min(0),
      total: z.number().int().min(0),
      stage: z.number().int().min(0),
      title: z.string(),
      employee_id: z.string().nullable(),
      employee_name: z.string().nullable(),
      elapsed_ms: z.number().min(0),
      remaining_ms: z.number().min(0).nullable(),
      waiting_for: waitingFor,
    }),
    eventOf('failure', failure.shape),
    eventOf('retry', {
      stage: z.string(),
      attempt: z.number().int().min(1),
      delay_ms: z.number().min(0),
      code: z.string(),
      message: z.string(),
    }),
    eventOf('completed', { result }),
    eventOf('failed', { result }),
    eventOf('cancelled', { result, reason: z.string().nullable() }),
    eventOf('paused', { result }),
    eventOf('interrupted', { result }),
  ]),
  'The data of a stored event in a stream. Failures are told as `error`, completed jobs as `complete`, all others under their own type.',
)
