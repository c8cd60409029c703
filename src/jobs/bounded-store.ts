import type { Clock } from '../calendar/clock.ts'
import { CallTimeoutError } from '../errors.ts'
import { withDeadline } from '../run/units/deadline.ts'
import type { JobStore } from './job-store.ts'
import type { LaneStore } from './lanes/lane-store.ts'

/** Calls that are made within a unit of work, which has a deadline of its own, or that wait for nothing. */
const UNBOUNDED: readonly string[] = ['saveStep', 'save', 'watch'] satisfies readonly (
  | keyof JobStore
  | keyof LaneStore
)[]

/** A store of jobs, or of lanes, of which no call takes longer than `timeoutMs`: then it rejects with a {@link CallTimeoutError}. */
export function boundedStore<Store extends JobStore<never> | LaneStore<never>>(
  store: Store,
  clock: Clock,
  timeoutMs: number,
): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (typeof name === 'symbol' || UNBOUNDED.includes(name)) return member.bind(target)
      const late = () => new CallTimeoutError(`the job store (${name})`, timeoutMs)
      return (...args: readonly unknown[]) =>
        withDeadline(() => Promise.resolve(Reflect.apply(member, target, args)), { clock, timeoutMs, late })
    },
  })
}
