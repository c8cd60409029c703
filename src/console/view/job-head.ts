import { formatCount, formatDuration, formatPercent, formatRate } from '../model/format.ts'
import { hasEnded, isResumable, STATUS_LABELS } from '../model/job-status.ts'
import { may } from '../model/permissions.ts'
import { rateOf } from '../model/rate.ts'
import type { State } from '../model/state.ts'
import { type Connection, daysDone, type WatchedJob } from '../model/watched-job.ts'
import type { Job } from '../net/api-types.ts'
import { showBadge } from './badge.ts'
import { byId, make, setNotice, setText } from './dom.ts'
import { rangeOf } from './job-list-view.ts'

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  ended: '',
  'given-up': 'Not connected',
}

/** The job's name, status, progress, numbers, and what can be done about it. */
export function showJobHead(state: State, watched: WatchedJob, job: Job): void {
  const me = state.access.name === 'open' ? state.access.me : null
  const ended = hasEnded(job.status)
  setText(byId('job-title', HTMLElement), `${job.tenant_id}, ${rangeOf(job)}`)
  setNotice(byId('job-reason', HTMLElement), job.reason)
  const cancelling = job.cancel_requested && !ended
  showBadge(byId('job-status', HTMLElement), job.status, cancelling ? 'Cancelling…' : null)
  const connection = byId('job-connection', HTMLElement)
  connection.dataset.connection = watched.connection
  setText(connection, CONNECTIONS[watched.connection])
  byId('reconnect', HTMLElement).hidden = watched.connection !== 'reconnecting'
  byId('cancel-button', HTMLElement).hidden = ended || cancelling || !may(me, 'cancel')
  byId('resume-button', HTMLElement).hidden = !isResumable(job.status) || !may(me, 'resume')

  byId('job-progress', HTMLProgressElement).value = job.progress
  document.body.dataset.status = job.status
  setText(byId('job-percent', HTMLElement), formatPercent(job.progress))
  const days = `${formatCount(daysDone(job))} of ${formatCount(job.total_days)} employee-days`
  setText(byId('job-days', HTMLElement), job.status === 'queued' && job.total_days === 0 ? 'Waiting to begin' : days)
  const { retry } = watched
  setNotice(
    byId('job-retry', HTMLElement),
    retry && `${retry.stage} is tried again after try ${retry.attempt} failed: ${retry.message} (${retry.code})`,
  )
  document.title = `${ended ? STATUS_LABELS[job.status] : formatPercent(job.progress)} · ${job.tenant_id} · Recalculation`
}

/** The numbers. Times go on by themselves between two reports. */
export function showTiles(watched: WatchedJob, job: Job, nowMs: number): void {
  const running = job.status === 'running'
  const since = running ? (nowMs - watched.knownAtMs) / 1_000 : 0
  const rate = running ? rateOf(watched.samples) : rateOfRun(job)
  const remaining = job.remaining_seconds === null || !running ? null : Math.max(0, job.remaining_seconds - since)
  const tiles: [string, string][] = [
    ['Done', formatCount(job.processed_days)],
    ['of these unchanged', formatCount(job.unchanged_days)],
    ['Closed', formatCount(job.skipped_days)],
    ['Failed, blocked', formatCount(job.failed_days)],
    ['Days/s', rate === null ? '–' : formatRate(rate)],
    ['Elapsed', job.elapsed_seconds === null ? '–' : formatDuration(job.elapsed_seconds + since)],
    ['Remaining', !remaining ? '–' : formatDuration(remaining)],
  ]
  const list = byId('job-tiles', HTMLElement)
  for (const [index, [name, value]] of tiles.entries()) {
    const tile = list.children[index] ?? list.appendChild(make('div', {}, [make('dt', { text: name }), make('dd')]))
    if (tile.lastElementChild) setText(tile.lastElementChild, value)
    tile.classList.toggle('bad', name === 'Failed, blocked' && job.failed_days > 0)
  }
}

/** What a job that ended in one go came to; the time of several runs says nothing about all their days. */
function rateOfRun(job: Job): number | null {
  if (job.runs !== 1 || !job.elapsed_seconds || !hasEnded(job.status)) return null
  return daysDone(job) / job.elapsed_seconds
}
