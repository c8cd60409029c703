import type { JobStatus } from '../net/api-types.ts'

/** What people read. */
export const STATUS_LABELS: Readonly<Record<JobStatus, string>> = {
  queued: 'Queued',
  running: 'Running',
  completed: 'Completed',
  completed_with_errors: 'Completed with errors',
  failed: 'Failed',
  cancelled: 'Cancelled',
  interrupted: 'Interrupted',
}

/** A mark for each, so that colour does not carry it alone. */
export const STATUS_MARKS: Readonly<Record<JobStatus, string>> = {
  queued: '○',
  running: '▶',
  completed: '✓',
  completed_with_errors: '!',
  failed: '✕',
  cancelled: '■',
  interrupted: '‖',
}

export function hasEnded(status: JobStatus): boolean {
  return status !== 'queued' && status !== 'running'
}

export function isResumable(status: JobStatus): boolean {
  return hasEnded(status) && status !== 'completed'
}
