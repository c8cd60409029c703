import type { BulkJobRequest } from '../changes/settler.ts'
import { CooldownError, JobConflictError } from '../errors.ts'
import type { JobHandle } from './job-handle.ts'

const REASON = 'Many days have changed'

/** Recalculates many dirty days as a job. Undefined when another job is active, which may be about the same days. */
export async function startBulkJob(
  { tenantId, employeeIds, from, to }: BulkJobRequest,
  create: (kind: 'batch' | 'all', request: object, reason: string) => Promise<JobHandle>,
): Promise<{ readonly ended: Promise<boolean> } | undefined> {
  const request = { tenantId, from, to }
  try {
    const job = await (employeeIds
      ? create('batch', { ...request, employeeIds }, REASON)
      : create('all', request, REASON))
    const ended = job.result.then(
      ({ status }) => status === 'completed',
      () => false,
    )
    return { ended }
  } catch (error) {
    if (error instanceof JobConflictError || error instanceof CooldownError) return undefined
    throw error
  }
}
