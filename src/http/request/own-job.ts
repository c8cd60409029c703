import type { JobSnapshot } from '../../jobs/job-snapshot.ts'
import { covers } from '../auth/access.ts'
import type { Call } from '../call.ts'
import { jobNotFound } from '../response/problem-of-error.ts'

/** Ids are opaque, but no backend makes one of anything else. */
const jobIdShape = /^[A-Za-z0-9_-]{1,64}$/

/**
 * The job of a call, if it is the caller's business. An unknown job and another tenant's are looked up and refused alike.
 *
 * @throws {Problem} 404.
 */
export async function ownJob({ api, access, jobId }: Pick<Call, 'api' | 'access' | 'jobId'>): Promise<JobSnapshot> {
  if (!jobIdShape.test(jobId)) throw jobNotFound()
  const job = await api.recalc.getJob(jobId)
  if (!covers(access, job.tenantId)) throw jobNotFound()
  return job
}
