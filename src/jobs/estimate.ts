import { countDays } from '../calendar/date-range.ts'
import type { Selection } from '../pipeline/selection.ts'
import { countEmployees } from '../run/plan/employee-pages.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import type { RunSettings } from '../run/run-settings.ts'
import type { JobRecord } from './job-record.ts'
import type { JobStore } from './job-store.ts'

/** How big a request is, and how long it may take. */
export interface Estimate {
  /** How many employees the request is about. */
  readonly employees: number
  /** Employees × dates. */
  readonly totalDays: number
  /** In milliseconds, at the speed of finished jobs; `null` as long as there is none. */
  readonly estimatedDurationMs: number | null
}

/**
 * How big a run is, and how long it may take.
 *
 * @param read Bounds calls of the host's repository.
 */
export async function estimateRun<Tx>(
  plan: RunPlan,
  { dailyCalc, dayStages, periodStages }: Selection<Tx>,
  settings: RunSettings<Tx> & { readonly jobs: Pick<JobStore<Tx>, 'list'> },
  read: <T>(call: () => Promise<T>) => Promise<T>,
): Promise<Estimate> {
  const { employees, block, concurrency, jobs } = settings
  const limit = block.employees * concurrency
  const counted = await countEmployees(plan.employeeIds ?? employees, plan, { limit, read })
  const hasPass = dailyCalc !== undefined || dayStages.length + periodStages.length > 0
  const totalDays = hasPass ? counted * countDays(plan.from, plan.to) : 0
  if (plan.employeeIds?.length === 0) return { employees: 0, totalDays: 0, estimatedDurationMs: 0 }
  const finished = await jobs.list({ tenantId: plan.tenantId, status: 'completed', limit: 20 })
  return { employees: counted, totalDays, estimatedDurationMs: estimateMs(totalDays, finished) }
}

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
