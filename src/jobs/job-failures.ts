import type { RecordedFailure } from '../run/checkpoint.ts'
import type { checkFailurePage } from './job-queries.ts'
import type { JobStore } from './job-store.ts'

/** A page of what failed in a job, ascending by number; perhaps of one employee alone. */
export async function listFailuresOf(
  jobId: string,
  { employeeId, ...page }: ReturnType<typeof checkFailurePage>,
  jobs: Pick<JobStore<never>, 'failures' | 'failuresOf'>,
): Promise<readonly RecordedFailure[]> {
  if (employeeId === undefined) return (await jobs.failures(jobId, page)).map(asListed)
  const all = (await jobs.failuresOf(jobId, [employeeId])).map(asListed)
  const later = all.filter(({ number }) => number > page.after)
  return later.sort((a, b) => a.number - b.number).slice(0, page.limit)
}

/** Where a failure stood before is of no interest to anybody but the worker of its job. */
function asListed({ moved: _, ...failure }: RecordedFailure): RecordedFailure {
  return failure
}
