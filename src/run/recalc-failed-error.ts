import { RecalcError } from '../errors.ts'
import type { RecalcFailure } from './failure.ts'
import type { RecalcResult } from './result.ts'

/** Thrown when a synchronous run stopped at a failed day; `result` has what was done and what failed. */
export class RecalcFailedError extends RecalcError {
  /** Always this literal. */
  readonly code = 'RECALC_FAILED'
  /** What the run came to; what it had committed stays. */
  readonly result: RecalcResult

  constructor(result: RecalcResult, failure: RecalcFailure, options?: ErrorOptions) {
    const { employeeId, date, stage } = failure
    const where = date ? ` (employee ${employeeId}, ${date})` : ` (stage ${stage})`
    super(`Recalculation failed${where}: ${failure.message}`, options)
    this.result = result
  }
}
