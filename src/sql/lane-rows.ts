import type { LaneNotice } from '../jobs/lanes/lane-store.ts'
import type { LanesTable } from './tables.ts'

/** The columns of a lane that nobody calculates by a claim of its own. */
export const unclaimed = {
  claim_id: '',
  claimed_until: 0,
  claims: 0,
  stopping: 0,
  notice: null,
} as const satisfies Partial<LanesTable>

/** A notice as it was stored. */
export function noticeOf(notice: LanesTable['notice']): LaneNotice | null {
  return notice === null ? null : (JSON.parse(notice) as LaneNotice)
}
