import { InvalidRequestError } from '../errors.ts'
import type { Selection } from '../pipeline/selection.ts'
import type { RunSettings } from '../run/run-settings.ts'

/** @throws {InvalidRequestError} where what is written stays. */
export function refuseWithoutRollback<Tx>({ unitOfWork }: Pick<RunSettings<Tx>, 'unitOfWork'>): void {
  if (unitOfWork.rollsBack !== false) return
  throw new InvalidRequestError(
    'A preview saves and rolls back, and this backend has no transactions: give `memoryBackend` a `unitOfWork` of yours, or use `sqlBackend`',
  )
}

/** @throws {InvalidRequestError} where no changes are kept. */
export function refuseWithoutLedger<Tx>({ ledger }: Pick<RunSettings<Tx>, 'ledger'>): void {
  if (ledger) return
  throw new InvalidRequestError(
    'Expected a backend with a ledger of changes, got one that has none (`backend.changes`)',
  )
}

/** Without `stored` nobody knows what is different. @throws {InvalidRequestError} */
export function refuseWithoutStored<Tx>({ dailyCalc, dayStages, periodStages }: Selection<Tx>): void {
  if (dailyCalc) {
    throw new InvalidRequestError(
      'A `dailyCalc` reads and writes by itself, so it cannot be previewed; make it a day stage',
    )
  }
  if (dayStages.length + periodStages.length === 0) {
    throw new InvalidRequestError('There is nothing to preview: only tenant stages were asked for')
  }
  const saving = [...dayStages.filter(({ saves }) => saves).map(({ stage }) => stage), ...periodStages]
  const untold = saving.filter(({ stored }) => !stored).map(({ name }) => `"${name}"`)
  if (untold.length === 0) return
  throw new InvalidRequestError(
    `A preview compares with what is stored: give ${untold.join(', ')} the function \`stored\`, or leave their tables out by \`tables\``,
  )
}
