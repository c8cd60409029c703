import type { JobStatus } from '../net/api-types.ts'

/** What people read, and a mark for each, so that colour does not carry it alone. */
export const STATUSES: Readonly<Record<JobStatus, { readonly label: string; readonly mark: string }>> = {
  queued: { label: 'Queued', mark: '○' },
  running: { label: 'Running', mark: '▶' },
  completed: { label: 'Completed', mark: '✓' },
  completed_with_errors: { label: 'Completed with errors', mark: '!' },
  failed: { label: 'Failed', mark: '✕' },
  cancelled: { label: 'Cancelled', mark: '■' },
  paused: { label: 'Paused', mark: 'Ⅱ' },
  interrupted: { label: 'Interrupted', mark: '‖' },
}

export function hasEnded(status: JobStatus): boolean {
  return status !== 'queued' && status !== 'running'
}

export function isResumable(status: JobStatus): boolean {
  return hasEnded(status) && status !== 'completed'
}
