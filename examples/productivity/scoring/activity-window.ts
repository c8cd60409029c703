import type { Role } from './role.ts'
import type { Span } from './span.ts'

/** A row of `activity_logs`, with its role. */
export interface ActivityWindow extends Span {
  readonly id: number
  readonly items: number
  readonly role: Role
}

/** Rule 2: an end before the start counts as the start, and nothing lasts longer than until now. */
export function windowEnd(start: number, end: number, now: number): number {
  return Math.max(start, Math.min(end, now))
}
