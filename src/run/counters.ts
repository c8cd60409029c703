import type { Step } from './checkpoint.ts'
import type { Counters } from './result.ts'

/** Counters of a run that has done nothing. */
export const nothingCounted: Counters = {
  totalDays: 0,
  processedDays: 0,
  unchangedDays: 0,
  skippedDays: 0,
  failedDays: 0,
  errorCount: 0,
}

/** The counters after a step. There may turn out to be more employee-days than were counted beforehand, never fewer. */
export function count(counters: Counters, step: Step): Counters {
  const counted = {
    ...counters,
    processedDays: counters.processedDays + step.processed,
    unchangedDays: counters.unchangedDays + step.unchanged,
    skippedDays: counters.skippedDays + step.skipped,
    failedDays: counters.failedDays + step.failed - step.repaired,
    errorCount: counters.errorCount + step.failures.length - step.settled.length,
  }
  return { ...counted, totalDays: Math.max(counters.totalDays, daysDone(counted)) }
}

/** Employee-days that are dealt with, one way or the other. */
export function daysDone(counters: Counters): number {
  return counters.processedDays + counters.skippedDays + counters.failedDays
}
