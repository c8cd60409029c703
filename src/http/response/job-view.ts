import { hasEnded } from '../../jobs/job-record.ts'
import type { JobSnapshot } from '../../jobs/job-snapshot.ts'
import type { DescribeFailure } from './failure-text.ts'
import { faultView } from './result-view.ts'

type StageStatus = 'waiting' | 'running' | 'done' | 'stopped'

/** What a view of a job needs besides the job. */
interface JobViewOptions {
  readonly now: number
  readonly streamUrl: string
  readonly describe: DescribeFailure
}

/** A job as lists show it. */
export function jobView(job: JobSnapshot, about: JobViewOptions) {
  const present = job.stages.find(({ number }) => number === job.stage)
  return {
    job_id: job.id,
    tenant_id: job.tenantId,
    kind: job.kind,
    status: job.status,
    start_date: job.from,
    end_date: job.to,
    reason: job.reason,
    actor: job.actor,
    tables: job.tables,
    clear_existing: job.clearExisting,
    stage: job.stage,
    stage_name: present?.name ?? null,
    stage_title: present?.title ?? null,
    stages: job.stages.map(({ number, name, title }) => ({ number, name, title, status: stageStatus(number, job) })),
    progress: job.progress,
    processed_days: job.processedDays,
    total_days: job.totalDays,
    unchanged_days: job.unchangedDays,
    skipped_days: job.skippedDays,
    failed_days: job.failedDays,
    error_count: job.errorCount,
    ...(job.periods && { periods: job.periods }),
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
    runs: job.runs,
    cancel_requested: job.cancelRequested,
    cancel_reason: job.cancelReason,
    pause_requested: job.pauseRequested,
    waiting_for: job.waitingFor,
    error: job.error && faultView(job.error, about.describe),
    elapsed_seconds: elapsedSeconds(job, about.now),
    remaining_seconds: inSeconds(job.remainingMs),
    last_seq: job.lastSeq,
    stream_url: about.streamUrl,
  }
}

/** `null` stays `null`. */
export function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000
}

/** How long the present run takes, or the last one took. */
function elapsedSeconds({ runStartedAt, finishedAt }: JobSnapshot, now: number): number | null {
  if (!runStartedAt) return null
  return Math.max(0, (finishedAt?.getTime() ?? now) - runStartedAt.getTime()) / 1000
}

function stageStatus(number: number, { stage, status }: JobSnapshot): StageStatus {
  if (status === 'completed' || status === 'completed_with_errors' || number < stage) return 'done'
  if (number > stage) return 'waiting'
  return hasEnded(status) ? 'stopped' : 'running'
}
