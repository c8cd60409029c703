import type { JobDatabase } from './job-database.ts'

/** Jobs that are removed in one transaction. */
const BATCH = 20

/** Removes ended jobs that finished before the given instant, with all that belongs to them; resolves with their number. */
export async function purgeJobs(database: JobDatabase, finishedBefore: Date): Promise<number> {
  const { names } = database
  let purged = 0
  for (;;) {
    const rows = await database.db
      .selectFrom(names.jobs)
      .select('id')
      .where('finished_at', '<', finishedBefore.getTime())
      .orderBy('finished_at')
      .limit(BATCH)
      .execute()
    if (rows.length === 0) return purged
    for (const { id } of rows) purged += await purgeJob(database, id, finishedBefore)
  }
}

function purgeJob(database: JobDatabase, jobId: string, finishedBefore: Date): Promise<number> {
  const { names } = database
  return database.transaction(async (tx) => {
    const job = await database.lockJob(tx, jobId)
    // Resumed, or purged by another, meanwhile.
    if (!job || job.finished_at === null || Number(job.finished_at) >= finishedBefore.getTime()) return 0
    for (const table of [names.events, names.failures, names.lanes, names.job_employees] as const) {
      await tx.deleteFrom(table).where('job_id', '=', jobId).execute()
    }
    await tx.deleteFrom(names.jobs).where('id', '=', jobId).execute()
    return 1
  })
}
