import type { RecalcFailure } from '../../run/failure.ts'
import type { RecalcResult, RunFault } from '../../run/result.ts'
import { type DescribeFailure, faultText } from './failure-text.ts'

/** A failure as clients see it. */
export function failureView(
  { employeeId, date, through, stage, code, message, attempts, period }: RecalcFailure,
  describe: DescribeFailure,
) {
  const text = describe({ code, message })
  const failure = { employee_id: employeeId, date, through, stage, code, message: text, attempts }
  return period ? { ...failure, period } : failure
}

/** What ended a run, as clients see it. */
export function faultView(fault: RunFault, describe: DescribeFailure) {
  return { code: fault.code, message: describe(faultText(fault)) }
}

/** A result as clients see it. */
export function resultView(result: RecalcResult, describe: DescribeFailure) {
  const { error } = result
  return {
    status: result.status,
    total_days: result.totalDays,
    processed_days: result.processedDays,
    unchanged_days: result.unchangedDays,
    skipped_days: result.skippedDays,
    failed_days: result.failedDays,
    errors: result.errors.map((failure) => failureView(failure, describe)),
    error_count: result.errorCount,
    ...(result.periods && { periods: result.periods }),
    ...(error && { error: faultView(error, describe) }),
    started_at: result.startedAt.toISOString(),
    finished_at: result.finishedAt.toISOString(),
  }
}
