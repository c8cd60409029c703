import type { Estimate, Job, JobStage, ProblemDetails, StartRequest } from '../net/api-types.ts'
import { formatCount, formatDuration, formatInstant, formatPercent, formatPlural } from './format.ts'
import { hasEnded } from './job-status.ts'
import { type FieldErrors, formField } from './start-request.ts'
import { daysDone } from './watched-job.ts'

/** What is told of a refusal. */
interface Refusal {
  readonly message: string
  readonly details: ProblemDetails
  readonly retryAfterSeconds: number | null
}

/** `2025-03-01 – 2025-03-31`, or the one day. */
export function rangeOf({ start_date, end_date }: Pick<Job, 'start_date' | 'end_date'>): string {
  return start_date === end_date ? start_date : `${start_date} – ${end_date}`
}

/** Who is recalculated, in words. */
export function kindText(kind: string): string {
  return (
    { all: 'Everybody', batch: 'Selected employees', day: 'One day', range: 'One employee', settle: 'Settled' }[kind] ??
    kind
  )
}

/** Why a job is not, or not all, done, and what helps; `null`: there is nothing to explain. */
export function explanation(job: Job): { readonly title: string; readonly text: string } | null {
  const { status, error, cancel_reason: reason, failed_days: failed, error_count: errors } = job
  if (job.cancel_requested && !hasEnded(status))
    return { title: 'Cancelling', text: 'The days in progress are finished.' }
  if (job.pause_requested && !hasEnded(status)) return { title: 'Pausing', text: 'The days in progress are finished.' }
  if (job.waiting_for) return { title: 'Waiting', text: `It goes on by itself: ${job.waiting_for}.` }
  switch (status) {
    case 'queued':
      return { title: 'Queued', text: 'It starts by itself when it is its turn and a worker is free.' }
    case 'paused':
      return { title: 'Paused', text: 'It goes on when somebody resumes it.' }
    case 'failed':
      return {
        title: 'Why it failed',
        text: error ? `${error.message} (${error.code})` : 'The server’s log tells why.',
      }
    case 'cancelled':
      return { title: 'Why it was cancelled', text: reason || 'No reason was given.' }
    case 'interrupted':
      return { title: 'Interrupted', text: 'The service that worked on it stopped. It can be resumed.' }
    case 'completed_with_errors': {
      const days = failed > 0 ? `${formatPlural(failed, 'day')} failed or blocked` : formatPlural(errors, 'failure')
      return { title: 'Not all is done', text: `${days}; resuming tries just these again.` }
    }
    default:
      return null
  }
}

/** How far a job is. Of one that ended early it says what was not reached, not a share that its days contradict. */
export function progressText(job: Job): { readonly main: string; readonly more: string } {
  const done = daysDone(job)
  const days = `${formatCount(done)} of ${formatCount(job.total_days)} employee-days`
  if (job.status === 'queued' && job.total_days === 0) return { main: '0 %', more: 'Waiting to begin' }
  // What is paused is still to come.
  const ended = hasEnded(job.status) && job.status !== 'paused'
  const early = ended && !job.status.startsWith('completed')
  if (done < job.total_days || job.total_days === 0) {
    return { main: ended ? '' : formatPercent(job.progress), more: early ? `${days} when it ended` : days }
  }
  const missing = job.stages.filter(({ number, status }) => number > 1 && status !== 'done')
  if (missing.length === 0) return { main: ended ? '' : formatPercent(job.progress), more: days }
  const titles = missing.map(({ title }) => title).join(', ')
  return ended
    ? { main: '', more: `${days}; not done: ${titles}` }
    : { main: formatPercent(job.progress), more: `${days}; still to do: ${titles}` }
}

/** The times of a job in seconds; they go on between two reports, `since` seconds ago. */
export function timesOf(
  job: Job,
  since: number,
  nowMs: number,
): { readonly run: number | null; readonly total: number | null } {
  const { elapsed_seconds: elapsed, runs, started_at: started, finished_at: finished } = job
  const run = elapsed === null ? null : elapsed + since
  if (runs < 2 || started === null) return { run, total: null }
  const end = finished === null ? nowMs : Date.parse(finished)
  return { run, total: Math.max(run ?? 0, (end - Date.parse(started)) / 1_000) }
}

/** How far a stage is, 0..1; `null`: nobody knows. The first goes through the employee-days, the others are done or not. */
export function shareOf(job: Job, { number, status }: JobStage): number | null {
  if (status === 'done') return 1
  if (number === 1) return job.total_days === 0 ? 0 : daysDone(job) / job.total_days
  return status === 'running' ? null : 0
}

/** What starting a request comes to. */
export function estimateText(request: StartRequest, estimate: Estimate): string {
  const { employees, total_days, estimated_duration_seconds: seconds } = estimate
  const about = `${request.tenant_id}, ${rangeOf(request)}`
  if (total_days === 0) return `${about}: there is nothing to recalculate.`
  const days = formatPlural(total_days / Math.max(1, employees), 'day')
  const amount = `${formatPlural(employees, 'employee')} × ${days} = ${formatPlural(total_days, 'employee-day')}`
  const tables = request.tables ? `, ${formatCount(request.tables.length)} of the tables` : ''
  const time = seconds === null ? 'How long it takes is not known yet.' : `It may take ${formatDuration(seconds)}.`
  return `${about}: ${amount}${tables}. ${time}`
}

/** Why a job was not started, with what helps; `null` when the fields tell all of it. */
export function refusalText(
  { message, details, retryAfterSeconds }: Refusal,
  told: FieldErrors,
  nowMs: number,
): string | null {
  const others = (details.errors ?? []).filter(({ field }) => !told.has(formField(field)))
  if (told.size > 0 && others.length === 0) return null
  const sentences = others.length > 0 ? others.map((other) => `${other.field}: ${other.message}`) : [message]
  if (retryAfterSeconds !== null) {
    const at = new Date(nowMs + retryAfterSeconds * 1_000).toISOString()
    sentences.push(`Try again in ${formatDuration(retryAfterSeconds)}, at ${formatInstant(at).slice(11)}`)
  }
  return sentences.map((sentence) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`)).join(' ')
}
