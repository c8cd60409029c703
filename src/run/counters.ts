import type { StageShape } from '../pipeline/stage-shape.ts'
import type { PeriodStep, Step } from './checkpoint.ts'
import type { Counters, PeriodCounters } from './result.ts'

/** Counters of a run that has done nothing. */
export const nothingCounted: Counters = {
  totalDays: 0,
  processedDays: 0,
  unchangedDays: 0,
  skippedDays: 0,
  failedDays: 0,
  errorCount: 0,
}

/** Counters of periods before any is counted. */
export const noPeriods: PeriodCounters = { processed: 0, unchanged: 0, skipped: 0, failed: 0 }

/** Counters of a run of these stages that has done nothing. */
export function countersFor(stages: readonly Pick<StageShape, 'kind'>[]): Counters {
  return stages.some(({ kind }) => kind === 'period') ? { ...nothingCounted, periods: noPeriods } : nothingCounted
}

/** The counters after a step. There may turn out to be more employee-days than were counted beforehand, never fewer. */
export function count(counters: Counters, step: Step): Counters {
  const processedDays = counters.processedDays + step.processed
  const skippedDays = counters.skippedDays + step.skipped
  const failedDays = counters.failedDays + step.failed - step.repaired
  const counted = {
    totalDays: Math.max(counters.totalDays, processedDays + skippedDays + failedDays),
    processedDays,
    unchangedDays: counters.unchangedDays + step.unchanged,
    skippedDays,
    failedDays,
    errorCount: counters.errorCount + step.failures.length - step.resolved.length,
  }
  const { periods } = counters
  if (step.periods) return { ...counted, periods: countPeriods(periods ?? noPeriods, step.periods) }
  return periods ? { ...counted, periods } : counted
}

/** Counters as they were found to be; periods only where the run has such. */
export function recount(counters: Counters, { periods, ...days }: Omit<Counters, 'totalDays'>): Counters {
  const counted = { ...counters, ...days, ...(counters.periods && periods && { periods }) }
  return { ...counted, totalDays: Math.max(counters.totalDays, daysDone(counted)) }
}

function countPeriods(counted: PeriodCounters, step: PeriodStep): PeriodCounters {
  return {
    processed: counted.processed + step.processed,
    unchanged: counted.unchanged + step.unchanged,
    skipped: counted.skipped + step.skipped,
    failed: counted.failed + step.failed - step.repaired,
  }
}

/** Employee-days that are dealt with, one way or the other. */
export function daysDone(counters: Counters): number {
  return counters.processedDays + counters.skippedDays + counters.failedDays
}
