import { STATUS_LABELS, STATUS_MARKS } from '../model/job-status.ts'
import type { JobStatus } from '../net/api-types.ts'
import { make, setText } from './dom.ts'

/** A status as a mark and a word. */
export function showBadge(badge: HTMLElement, status: JobStatus, text: string | null = null): void {
  if (badge.children.length === 0) {
    const mark = make('span')
    mark.ariaHidden = 'true'
    badge.append(mark, make('span'))
  }
  badge.className = `badge ${status}`
  const [mark, label] = badge.children
  if (mark) setText(mark, STATUS_MARKS[status])
  if (label) setText(label, text ?? STATUS_LABELS[status])
}
