import { z } from 'zod'
import { named } from './components.ts'
import { countField, instantField } from './fields.ts'

const failureFields = {
  employee_id: z.string().nullable().meta({ description: 'Null when a stage for the whole tenant failed' }),
  date: z.string().nullable().meta({ format: 'date' }),
  through: z
    .string()
    .nullable()
    .meta({ format: 'date', description: 'The last date that waits for `date`, which may be `date` itself' }),
  stage: z.string(),
  code: z.string(),
  message: z.string(),
  attempts: countField('How often it was tried'),
  period: z
    .literal(true)
    .optional()
    .meta({ description: 'There when a period failed, from `date` to `through`, and no day' }),
}

/** Something that failed and was left as it was. */
export const failure = named('Failure', z.strictObject(failureFields), 'Something that failed and was left as it was')

/** A failure as it is kept with its job. */
export const recordedFailure = named(
  'RecordedFailure',
  z.strictObject({ number: countField('Ascends within the job'), ...failureFields }),
  'A failure as it is kept with its job',
)

/** Numbers of employee-days. */
export const counterFields = {
  total_days: countField('Employees × dates'),
  processed_days: countField('Brought up to date'),
  unchanged_days: countField('The part of processed_days that needed no write'),
  skipped_days: countField('Left alone because their period is closed'),
  failed_days: countField('Failed, or blocked by an earlier failed day of the same employee'),
  error_count: countField('Failures, blocked days not among them'),
  periods: z
    .strictObject({
      processed: countField('Brought up to date'),
      unchanged: countField('The part of processed that needed no write'),
      skipped: countField('Left alone because all their days are closed'),
      failed: countField('Failures of periods'),
    })
    .optional()
    .meta({ description: 'Numbers of periods; absent where no period stage takes part' }),
}

/** What ended a run before its time. */
export const fault = named(
  'Fault',
  z.strictObject({ code: z.string(), message: z.string() }),
  'What ended a run before its time: anything but a failed day or a cancellation',
)

/** What a run came to. */
export const result = named(
  'Result',
  z.strictObject({
    status: z.enum(['completed', 'completed_with_errors', 'failed', 'cancelled', 'interrupted']),
    ...counterFields,
    errors: z.array(failure).meta({ description: 'The first of error_count' }),
    error: fault.optional(),
    started_at: instantField('When the first run began'),
    finished_at: instantField('When it ended'),
  }),
  'What a run came to',
)
