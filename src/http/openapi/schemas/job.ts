import { z } from 'zod'
import { JOB_STATUSES } from '../../../jobs/job-record.ts'
import { named } from './components.ts'
import { waitingFor } from './events.ts'
import { counterFields, fault, recordedFailure } from './failure.ts'
import { instantField, pathField } from './fields.ts'

const seconds = z.number().min(0).nullable()

const jobFields = {
  job_id: z.string(),
  tenant_id: z.string(),
  kind: z.enum(['day', 'range', 'batch', 'all']),
  status: z.enum(JOB_STATUSES),
  start_date: z.string().meta({ format: 'date' }),
  end_date: z.string().meta({ format: 'date', description: 'Inclusive' }),
  reason: z.string().nullable(),
  actor: z.string().nullable().meta({ description: 'Who asked for it' }),
  tables: z.array(z.string()).nullable().meta({ description: 'What it was asked to recalculate; null: every table' }),
  clear_existing: z.boolean().meta({ description: 'Whether it removes rows that no source supports any more' }),
  stage: z.number().int().min(0).meta({ description: 'The number of the present or last stage; 0 before the first' }),
  stage_name: z.string().nullable(),
  stage_title: z.string().nullable(),
  stages: z.array(
    z.strictObject({
      number: z.number().int().min(1),
      name: z.string(),
      title: z.string(),
      status: z.enum(['waiting', 'running', 'done', 'stopped']),
    }),
  ),
  progress: z.number().min(0).max(1).meta({ description: 'Never falls' }),
  ...counterFields,
  created_at: instantField('When it was asked for'),
  started_at: instantField('When its first run began').nullable(),
  finished_at: instantField('When its last run ended').nullable(),
  runs: z.number().int().min(0),
  cancel_requested: z.boolean(),
  cancel_reason: z.string().nullable().meta({ description: 'Why it was asked to end, if they said so' }),
  pause_requested: z.boolean(),
  waiting_for: waitingFor,
  error: fault.nullable().meta({ description: 'What ended its last run before its time; null when nothing did' }),
  elapsed_seconds: seconds.meta({ description: 'Since its present run began, or what its last run took' }),
  remaining_seconds: seconds.meta({ description: 'At the speed of the present run; null while that is unknown' }),
  last_seq: z.number().int().min(0).meta({ description: 'The id of its last event' }),
  stream_url: pathField('Where its events are'),
}

/** A job as lists tell it. */
export const job = named('Job', z.strictObject(jobFields), 'A job as lists tell it')

/** How one job stands. */
export const jobStatus = named(
  'JobStatus',
  z.strictObject({
    ...jobFields,
    errors: z.array(recordedFailure).meta({ description: 'The first 20 of error_count' }),
  }),
  'How a job stands',
)
