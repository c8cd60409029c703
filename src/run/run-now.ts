import { RecalcFailedError } from '../errors.ts'
import type { Logger } from '../pipeline/context.ts'
import { type emptyStep, startOfRun } from './checkpoint.ts'
import { count, nothingCounted } from './counters.ts'
import type { RetryNotice, RunJournal } from './journal.ts'
import { type Counters, causeOf, type RecalcFailure, type RecalcResult, type RunStatus } from './result.ts'
import { executeRun, type RunInput } from './run.ts'

/**
 * A run without a job: the caller waits for it.
 *
 * @throws {RecalcFailedError} when it stopped at a failed day; otherwise whatever ended it early, as it is.
 */
export async function runNow<Tx>(
  input: Omit<RunInput<Tx>, 'journal'> & { readonly maxErrorsKept: number },
): Promise<RecalcResult> {
  const { clock } = input.settings
  const startedAt = new Date(clock.now())
  const journal = new TallyJournal(input.maxErrorsKept, input.settings.logger)
  await executeRun({ ...input, journal })
  const { stopped } = input.control
  const { counters, errors } = journal
  const status = stopped?.status ?? endStatus(counters)
  const result = { status, ...counters, errors, startedAt, finishedAt: new Date(clock.now()) }
  if (!stopped) return result
  if (stopped.failure) throw new RecalcFailedError(result, stopped.failure, { cause: causeOf(stopped.failure) })
  throw stopped.cause
}

/** How a run ends that nothing stopped. */
export function endStatus(counters: Counters): RunStatus {
  return counters.failedDays + counters.errorCount > 0 ? 'completed_with_errors' : 'completed'
}

/** Remembers no more than what the result needs. */
class TallyJournal implements RunJournal<unknown> {
  readonly checkpoint = startOfRun
  readonly lastFailure = 0
  readonly errors: RecalcFailure[] = []
  readonly #maxErrors: number
  readonly #logger: Logger
  #counters = nothingCounted

  constructor(maxErrors: number, logger: Logger) {
    this.#maxErrors = maxErrors
    this.#logger = logger
  }

  get counters(): Counters {
    return this.#counters
  }

  async failures(): Promise<readonly never[]> {
    return []
  }

  async openLanes(): Promise<void> {}

  async splitLane(): Promise<void> {}

  async save(): Promise<undefined> {
    return undefined
  }

  committed(step: typeof emptyStep): void {
    this.#counters = count(this.#counters, step)
    this.errors.push(...step.failures.slice(0, this.#maxErrors - this.errors.length))
  }

  counted(totalDays: number): void {
    this.#counters = { ...this.#counters, totalDays }
  }

  phase(): void {}

  retrying(notice: RetryNotice): void {
    this.#logger.warn(notice, 'Transient error, trying again')
  }
}
