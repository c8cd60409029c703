import type { JobDatabase } from './job-database.ts'
import { checkPurge, instantOf } from './purge-request.ts'

/** Jobs that are removed in one transaction. */
const BATCH = 20

/** What of the jobs is to be removed. */
export interface PurgeJobsOptions {
  /** Jobs that ended before this instant. */
  readonly finishedBefore: Date
}

/**
 * Removes ended jobs that finished before the given instant, with all that belongs to them; resolves with their number.
 *
 * @throws {InvalidRequestError} that names the value and what was expected of it.
 */
export async function purgeJobs(database: JobDatabase, options: PurgeJobsOptions): Promise<number> {
  const given = checkPurge('options', options, ['finishedBefore'])
  const before = instantOf('finishedBefore', given.finishedBefore)
  const { names } = database
  let purged = 0
  for (;;) {
    const rows = await database.db
      .selectFrom(names.jobs)
      .select('id')
      .where('finished_at', '<', before)
      .orderBy('finished_at')
      .limit(BATCH)
      .execute()
    if (rows.length === 0) return purged
    for (const { id } of rows) purged += await purgeJob(database, id, before)
  }
}

function purgeJob(database: JobDatabase, jobId: string, before: number): Promise<number> {
  const { names } = database
  return database.transaction(async (tx) => {
    const job = await database.lockJob(tx, jobId)
    // Resumed, or purged by another, meanwhile.
    if (!job || job.finished_at === null || Number(job.finished_at) >= before) return 0
    for (const table of [names.events, names.failures, names.lanes, names.job_employees] as const) {
      await tx.deleteFrom(table).where('job_id', '=', jobId).execute()
    }
    await tx.deleteFrom(names.jobs).where('id', '=', jobId).execute()
    return 1
  })
}
