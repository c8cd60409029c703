import { z } from 'zod'
import { named } from './components.ts'
import { result } from './failure.ts'

/** RFC 9457 problem details. */
export const problem = named(
  'Problem',
  z.strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int().min(400).max(599),
    detail: z.string(),
    code: z.string().meta({ description: 'What a program tells problems apart by' }),
    errors: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Everything that is wrong with the request' }),
    active_job_id: z
      .string()
      .nullable()
      .optional()
      .meta({ description: 'The job that is in the way; null when it is not the caller’s' }),
    job_id: z.string().optional(),
    retry_after_seconds: z.number().int().min(0).optional(),
    result: result.optional(),
  }),
  'RFC 9457 problem details',
)
