import type { RunPlan } from '../run/plan/run-plan.ts'
import type { WaitingJob } from './job-store.ts'

/** By how much a small job goes before others, as if it had been asked for so much earlier, in milliseconds. */
export const HEAD_START_MS = 10 * 60_000

/**
 * A job's place among those that wait: lower ones are taken first. Jobs of one employee or one day go before others, but
 * not before those that have waited for longer than their head start. Within a scope the order is that of storing.
 *
 * @param last The highest place that is taken in its scope; 0 without one.
 */
export function queueOrder(plan: Partial<RunPlan>, now: number, last: number): number {
  return Math.max(now + (isSmall(plan) ? 0 : HEAD_START_MS), last + 1)
}

function isSmall({ kind, employeeIds, from, to }: Partial<RunPlan>): boolean {
  return kind === 'day' || kind === 'range' || employeeIds?.length === 1 || from === to
}

/**
 * The order in which waiting jobs are claimed. First come small jobs, and jobs that have waited for longer than the head
 * start. Among equals the tenant that was served longest ago is next, with its oldest job.
 *
 * @param servedAt When a tenant was served last, by its key, as a number that grows; none: never.
 */
export function claimOrder(
  jobs: readonly WaitingJob[],
  now: number,
  servedAt: (tenantKey: string) => number,
): readonly WaitingJob[] {
  const isLater = ({ order }: WaitingJob) => Number(order > now)
  return jobs.toSorted(
    (a, b) => isLater(a) - isLater(b) || servedAt(a.tenantKey) - servedAt(b.tenantKey) || a.order - b.order,
  )
}
