import { setTimeout as wait } from 'node:timers/promises'
import { type JobHandle, NotResumableError, type RecalcService } from 'recalc-service'

const LOOK_EVERY_MS = 250

/**
 * Goes on with a job. One that was killed counts as being worked on until its lease has run out, so that is waited for.
 *
 * @param leaseMs That of the process that was killed.
 * @throws {NotResumableError} when the job is complete, or somebody does work on it.
 */
export async function resumeJob<Tx>(recalc: RecalcService<Tx>, jobId: string, leaseMs: number): Promise<JobHandle> {
  const patienceEnds = Date.now() + leaseMs + LOOK_EVERY_MS
  let isTold = false
  for (;;) {
    try {
      return await recalc.resumeJob(jobId)
    } catch (error) {
      if (!(error instanceof NotResumableError) || Date.now() > patienceEnds) throw error
      const { status } = await recalc.getJob(jobId)
      if (status !== 'running' && status !== 'queued') throw error
    }
    if (!isTold) console.log('Waiting for the lease of the process that worked on it to run out')
    isTold = true
    await wait(LOOK_EVERY_MS)
  }
}

/**
 * The command that goes on with a job: the same again, so that it looks at the same database, from the same moment.
 *
 * @param script Of package.json, such as `demo`.
 */
export function commandToResume(script: string, args: readonly string[], jobId: string): string {
  const again = args.some((word) => word.includes(jobId)) ? args : [...args, '--resume', jobId]
  const words = again.map((word) => (/[^\w@%+=:,./-]/.test(word) ? JSON.stringify(word) : word))
  return `npm run ${script} -- ${words.join(' ')}`
}
