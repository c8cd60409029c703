import type { JobRecord } from './job-record.ts'

/**
 * How long a request would take at the speed of finished jobs, in milliseconds; `null` when there is none to judge by.
 *
 * Jobs that were resumed tell nothing about speed, nor do those during which the clock was set back. A request without days
 * is judged by jobs without days, one with days by jobs that calculated some.
 */
export function estimateMs(totalDays: number, finished: readonly JobRecord[]): number | null {
  const alike = finished.flatMap(({ runs, startedAt, finishedAt, counters }) => {
    const days = counters.processedDays
    if (runs !== 1 || !startedAt || !finishedAt || (days === 0) !== (totalDays === 0)) return []
    const tookMs = finishedAt.getTime() - startedAt.getTime()
    return tookMs < 0 ? [] : [{ days, tookMs }]
  })
  if (alike.length === 0) return null
  const tookMs = alike.reduce((sum, job) => sum + job.tookMs, 0)
  if (totalDays === 0) return Math.round(tookMs / alike.length)
  return Math.round((tookMs * totalDays) / alike.reduce((sum, job) => sum + job.days, 0))
}
