import type { JobRecord } from './job-record.ts'

/**
 * How long `totalDays` would take at the speed of finished jobs, in milliseconds; `null` when there is none to judge by.
 * Jobs that were resumed tell nothing about speed.
 */
export function estimateMs(totalDays: number, finished: readonly JobRecord[]): number | null {
  let days = 0
  let tookMs = 0
  for (const { runs, startedAt, finishedAt, counters } of finished) {
    if (runs !== 1 || !startedAt || !finishedAt) continue
    days += counters.processedDays
    tookMs += finishedAt.getTime() - startedAt.getTime()
  }
  return days === 0 ? null : Math.round((tookMs * totalDays) / days)
}
