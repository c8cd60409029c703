import { InvalidRequestError } from '../../errors.ts'
import { expected, isPlainObject } from '../../expectation.ts'
import { StageFailure, thrownBy } from '../blocks/stage-failure.ts'
import type { TransactionOptions, TriggerOptions } from '../plan/resolve-request.ts'
import type { RunControl } from '../run-control.ts'
import type { RunSettings } from '../run-settings.ts'
import type { UnitOfWork } from './unit-of-work.ts'
import { UnitSlots } from './unit-slots.ts'

/**
 * The settings of a run inside a transaction that the host has begun.
 *
 * It takes neither a slot nor an employee of this process. Whoever has one of these may be waiting for what the host's
 * transaction holds, a row or the only connection, and no database would find out about such a deadlock. So the employees are
 * locked in the database alone, which keeps them from everybody until the host ends its transaction.
 *
 * @param calls Receives what calculators want to be called after the commit.
 */
export function settingsWithin<Tx>(
  settings: RunSettings<Tx>,
  tx: Tx,
  control: RunControl,
  calls: (() => unknown)[],
): RunSettings<Tx> {
  return {
    ...settings,
    // Locks of this process belong to the object, so this one has its own.
    unitOfWork: within(settings.unitOfWork, tx, control),
    slots: new UnitSlots(1),
    retry: { ...settings.retry, attempts: 1 },
    deferCalls: (left) => void calls.push(...left),
  }
}

function within<Tx>(unitOfWork: UnitOfWork<Tx>, tx: Tx, control: RunControl): UnitOfWork<Tx> {
  const failureOf = unitOfWork.failureOf?.bind(unitOfWork)
  return {
    async run(work) {
      try {
        return await work(tx)
      } catch (thrown) {
        const isCalculators = thrown instanceof StageFailure && thrown.isCalculators === true
        const isOver = failureOf?.(tx) !== undefined || (!isCalculators && unitOfWork.isTransient(thrownBy(thrown)))
        // Only the host can try again.
        if (isOver) control.stop({ status: 'failed', cause: thrown })
        throw thrown
      }
    },
    lockEmployees: (own, tenantId, employeeIds) => unitOfWork.lockEmployees(own, tenantId, employeeIds),
    isTransient: () => false,
    ...(failureOf && { failureOf }),
  }
}

/** True for options that name a transaction; also one that is undefined, which who hands that over means to have. */
export function hasTransaction<Tx>(
  options: TriggerOptions | TransactionOptions<Tx>,
): options is TransactionOptions<Tx> {
  return isPlainObject(options) && 'tx' in options
}

/**
 * What lets a run take part in a transaction of the host.
 *
 * @throws {InvalidRequestError} when the backend cannot do that, or the run is to go on after a failure.
 */
export function joinOf<Tx>(unitOfWork: UnitOfWork<Tx>, tx: Tx, options: object): NonNullable<UnitOfWork<Tx>['join']> {
  const { onError } = options as { readonly onError?: unknown } // its type leaves it out; whoever has none may name it
  if (onError !== undefined && onError !== 'fail-fast') {
    const expectation = "left out or 'fail-fast' with `tx`: a failed day could not be rolled back by itself"
    throw new InvalidRequestError(expected('onError', expectation, onError))
  }
  if (unitOfWork.join) return unitOfWork.join.bind(unitOfWork)
  const expectation = 'left out with this backend, which does not lock employees in your database (sqlBackend does)'
  throw new InvalidRequestError(expected('tx', expectation, tx))
}
