import { AsyncLocalStorage } from 'node:async_hooks'
import { NestedCallError } from '../../errors.ts'
import type { UnitMonitor } from './unit-watchdog.ts'

/** A lane whose calculators' code may run. */
interface CalculatingLane {
  readonly service: object
  readonly monitor: UnitMonitor
  /** The lane in whose calculation this one was started, of another service. */
  readonly within: CalculatingLane | undefined
}

const lanes = new AsyncLocalStorage<CalculatingLane | undefined>()

/** Does the work of a lane. Marks the calls that its calculators make, so that they can be recognised. */
export function asLane<T>(service: object, monitor: UnitMonitor, work: () => T): T {
  // A lane may be started by one that has just ended: that is none within the other.
  const outer = lanes.getStore()
  return lanes.run({ service, monitor, within: outer?.service === service ? outer.within : outer }, work)
}

/** Does something that is no part of a calculation, such as running a job that a calculator started. */
export function outsideCalculation<T>(call: () => T): T {
  return lanes.exit(call)
}

/**
 * Refuses what would wait for itself: a call that waits for employees or for a slot of the service whose calculation makes it.
 *
 * @throws {NestedCallError}
 */
export function refuseNestedCall(service: object, what: string): void {
  for (let lane = lanes.getStore(); lane; lane = lane.within) {
    const isCalculating = lane.monitor.isOpen && lane.monitor.stage !== undefined
    if (lane.service === service && isCalculating) throw new NestedCallError(what)
  }
}
