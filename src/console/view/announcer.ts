import { formatPlural } from '../model/format.ts'
import { STATUS_LABELS } from '../model/job-status.ts'
import type { State } from '../model/state.ts'
import type { WatchedJob } from '../model/watched-job.ts'

/**
 * What a screen reader is told without being asked, of a job between two moments; `null`: nothing. Sparingly: that it
 * changed its status, each quarter of the way, and that the connection was lost or found.
 */
function announcement(now: WatchedJob | null, before: WatchedJob | null): string | null {
  if (!now?.job || !before?.job || now.id !== before.id) return null
  const { job } = now
  if (job.status !== before.job.status) {
    const failed = job.failed_days > 0 ? `, ${formatPlural(job.failed_days, 'day')} failed` : ''
    return `${STATUS_LABELS[job.status]}${failed}.`
  }
  if (now.connection === 'reconnecting' && before.connection === 'live') return 'Connection lost, reconnecting.'
  if (now.connection === 'live' && before.connection === 'reconnecting') return 'Connected again.'
  const [quarter, quarterBefore] = [quarterOf(job.progress), quarterOf(before.job.progress)]
  return quarter > quarterBefore && quarter < 4 ? `${quarter * 25} percent.` : null
}

/** Keeps the live region. */
export function mountAnnouncer(
  region: HTMLElement,
  store: { subscribe(listener: (state: State, before: State | null) => void): void },
): void {
  store.subscribe((state, before) => {
    const text = announcement(state.watched, before?.watched ?? null)
    if (text !== null) region.textContent = text
  })
}

function quarterOf(progress: number): number {
  return Math.floor(progress * 4 + 1e-9)
}
