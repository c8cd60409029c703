import { Command, Option } from 'commander'
import { JOB_STATUSES, type JobStatus } from '../jobs/job-record.ts'
import type { JobSnapshot } from '../jobs/job-snapshot.ts'
import { collect, wholeNumber } from './arguments.ts'
import type { CommandContext } from './command-context.ts'
import { failureText, watchJob } from './watch-job.ts'

/** Commands that look at jobs, and those that end one or take one up. */
export function jobCommands({ recalc, output, signal, exitWith }: CommandContext): readonly Command[] {
  const jobs = new Command('jobs')
    .description('list jobs, newest first')
    .option('--tenant <id>', 'only of this tenant; may be repeated', collect)
    .addOption(new Option('--status <status>', 'only with this status').choices(JOB_STATUSES))
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .option('--after <job>', 'those behind this job')
    .action(async (given: { tenant?: string[]; status?: JobStatus; limit: number; after?: string }) => {
      const { tenant: tenantId, status, limit, after } = given
      const query = { limit, ...(tenantId && { tenantId }), ...(status && { status }), ...(after && { after }) }
      output().rows(await recalc.listJobs(query), {
        id: ({ id }) => id,
        status: ({ status }) => status,
        kind: ({ kind }) => kind,
        tenant: ({ tenantId }) => tenantId,
        from: ({ from }) => from,
        to: ({ to }) => to,
        done: (job) => percent(job),
        failed: ({ failedDays }) => failedDays,
        created: ({ createdAt }) => createdAt,
        took: (job) => duration(job),
        reason: ({ reason }) => reason,
      })
    })

  const job = new Command('job')
    .description('show a job, and what failed in it')
    .argument('<id>')
    .option('--failures <number>', 'list at most so many failures', wholeNumber, 20)
    .action(async (id: string, { failures: limit }: { failures: number }) => {
      const snapshot = await recalc.getJob(id)
      const failures = limit > 0 ? await recalc.listJobFailures(id, { limit: Math.min(limit, 1_000) }) : []
      output().record({ ...snapshot, failures }, detailsOf(snapshot))
      for (const failure of failures) output().say(failureText(failure))
    })

  const watch = new Command('watch')
    .description('follow a job to its end, whoever works on it; Ctrl-C ends the watching, not the job')
    .argument('<id>')
    .action(async (id: string) => {
      const handle = await recalc.openJob(id)
      const { lastSeq } = await handle.snapshot()
      exitWith(await watchJob(handle, { output: output(), signal, after: lastSeq }))
    })

  const cancel = new Command('cancel')
    .description('let the blocks in flight commit, and start no other')
    .argument('<id>')
    .option('--reason <text>', 'kept with the job')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const isCancelled = await recalc.cancelJob(id, reason)
      output().record({ cancelled: isCancelled }, { [id]: isCancelled ? 'will be cancelled' : 'has ended already' })
    })

  const pause = new Command('pause')
    .description('let the blocks in flight commit, and start no other until the job is resumed')
    .argument('<id>')
    .action(async (id: string) => {
      const isPaused = await recalc.pauseJob(id)
      output().record({ paused: isPaused }, { [id]: isPaused ? 'will pause' : 'has ended already' })
    })

  return [jobs, job, watch, cancel, pause]
}

function percent({ progress }: JobSnapshot): string {
  return `${Math.floor(progress * 100)}%`
}

function duration({ startedAt, finishedAt }: JobSnapshot): string | null {
  return startedAt && finishedAt ? `${((finishedAt.getTime() - startedAt.getTime()) / 1_000).toFixed(1)} s` : null
}

function detailsOf(job: JobSnapshot) {
  return {
    job: job.id,
    status: job.status,
    kind: job.kind,
    tenant: job.tenantId,
    dates: `${job.from} to ${job.to}`,
    reason: job.reason,
    actor: job.actor,
    stages: job.stages.map(({ title }) => title).join(', '),
    progress: `${percent(job)}, ${job.processedDays} of ${job.totalDays} days`,
    unchanged: job.unchangedDays,
    skipped: job.skippedDays,
    failed: job.failedDays,
    created: job.createdAt,
    started: job.startedAt,
    finished: job.finishedAt,
    took: duration(job),
    runs: job.runs,
    waiting: job.waitingFor,
    cancelled: job.cancelRequested ? (job.cancelReason ?? 'without a reason') : null,
    error: job.error?.message,
  }
}
