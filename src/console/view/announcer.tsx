import { useRef } from 'preact/hooks'
import { formatPlural } from '../model/format.ts'
import { STATUSES } from '../model/job-status.ts'
import type { WatchedJob } from '../model/watched-job.ts'

/** The live region: what a screen reader is told without being asked. */
export function Announcer({ watched }: { watched: WatchedJob | null }) {
  const before = useRef<WatchedJob | null>(null)
  const text = useRef('')
  text.current = announcement(watched, before.current) ?? text.current
  before.current = watched
  return (
    <p class="hidden" role="status" aria-live="polite" id="announcer">
      {text.current}
    </p>
  )
}

/** Of a job between two moments; `null`: nothing. Sparingly: its status, each quarter, the connection lost and found. */
function announcement(now: WatchedJob | null, before: WatchedJob | null): string | null {
  if (!now?.job || !before?.job || now.id !== before.id) return null
  const { job } = now
  if (job.status !== before.job.status) {
    const failed = job.failed_days > 0 ? `, ${formatPlural(job.failed_days, 'day')} failed` : ''
    return `${STATUSES[job.status].label}${failed}.`
  }
  if (now.connection === 'reconnecting' && before.connection === 'live') return 'Connection lost, reconnecting.'
  if (now.connection === 'live' && before.connection === 'reconnecting') return 'Connected again.'
  const [quarter, quarterBefore] = [quarterOf(job.progress), quarterOf(before.job.progress)]
  return quarter > quarterBefore && quarter < 4 ? `${quarter * 25} percent.` : null
}

function quarterOf(progress: number): number {
  return Math.floor(progress * 4 + 1e-9)
}
