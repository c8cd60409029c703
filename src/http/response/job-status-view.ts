import type { JobSnapshot } from '../../jobs/job-snapshot.ts'
import type { Api } from '../call.ts'
import { jobView } from './job-view.ts'
import { failureView } from './result-view.ts'

/** How many failures come with a job's status; the others are listed by themselves. */
const FIRST_ERRORS = 20

/** A job as lists show it. */
export function listedJob({ options, paths }: Api, job: JobSnapshot) {
  return jobView(job, {
    now: options.clock.now(),
    streamUrl: paths.stream(job.id),
    describe: options.describeFailure,
  })
}

/** How a job stands, with its first failures. */
export async function statusOfJob(api: Api, job: JobSnapshot) {
  const failures = job.errorCount === 0 ? [] : await api.recalc.listJobFailures(job.id, { limit: FIRST_ERRORS })
  const errors = failures.map((failure) => ({
    number: failure.number,
    ...failureView(failure, api.options.describeFailure),
  }))
  return { ...listedJob(api, job), errors }
}
