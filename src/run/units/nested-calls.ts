import { AsyncLocalStorage } from 'node:async_hooks'
import { NestedCallError } from '../../errors.ts'

/** A unit of work in which a calculator's code runs. */
interface CalculatingUnit {
  readonly service: object
  readonly ended: boolean
}

interface Calculation {
  readonly unit: CalculatingUnit
  /** The calculation that made the call which led to this one: of another service. */
  readonly outer: Calculation | undefined
}

const calculating = new AsyncLocalStorage<Calculation>()

/** Calls a calculator's code; what it calls can be told from what others call. */
export function asCalculation<T>(unit: CalculatingUnit, call: () => T): T {
  return calculating.run({ unit, outer: calculating.getStore() }, call)
}

/** Begins something that lives on by itself, such as a job that a calculator started. */
export function outsideCalculation<T>(call: () => T): T {
  return calculating.exit(call)
}

/**
 * Refuses what would wait for itself: a call that waits for employees or for a slot of the service whose calculation makes it.
 *
 * @throws {NestedCallError}
 */
export function refuseNestedCall(service: object, what: string): void {
  for (let calculation = calculating.getStore(); calculation; calculation = calculation.outer) {
    const { unit } = calculation
    if (unit.service === service && !unit.ended) throw new NestedCallError(what)
  }
}
