import type { Clock } from '../calendar/clock.ts'
import type { ChangeLedger } from '../changes/change-ledger.ts'
import { CallTimeoutError } from '../errors.ts'
import type { HistoryStore } from '../run/history/history-store.ts'
import { withDeadline } from '../run/units/deadline.ts'
import type { JobStore } from './job-store.ts'
import type { LaneStore } from './lanes/lane-store.ts'

/** How long a call of a store may take. */
interface Limits {
  readonly clock: Clock
  readonly timeoutMs: number
}

/** A store of jobs, or of lanes, of which no call takes longer than `timeoutMs`: then it rejects with a {@link CallTimeoutError}. */
export function boundedStore<Store extends JobStore<never> | LaneStore<never>>(store: Store, limits: Limits): Store {
  return bounded(store, 'the job store', JOBS_UNBOUNDED, limits)
}

/** The same of a ledger of changes. */
export function boundedLedger<Tx>(ledger: ChangeLedger<Tx>, limits: Limits): ChangeLedger<Tx> {
  return bounded(ledger, 'the ledger of changes', LEDGER_UNBOUNDED, limits)
}

/** The same of a store of history. */
export function boundedHistory<Tx>(history: HistoryStore<Tx>, limits: Limits): HistoryStore<Tx> {
  return bounded(history, 'the history', HISTORY_UNBOUNDED, limits)
}

// Calls that are made within a unit of work, which has a deadline of its own, or that wait for nothing.
const JOBS_UNBOUNDED: readonly string[] = ['saveStep', 'save', 'watch'] satisfies readonly (
  | keyof JobStore
  | keyof LaneStore
)[]
const LEDGER_UNBOUNDED: readonly string[] = [
  'note',
  'statement',
  'read',
  'readWaiting',
  'isEmpty',
  'update',
  'watch',
] satisfies readonly (keyof ChangeLedger<never>)[]
const HISTORY_UNBOUNDED: readonly string[] = ['append'] satisfies readonly (keyof HistoryStore<never>)[]

function bounded<Store extends object>(
  store: Store,
  what: string,
  unbounded: readonly string[],
  { clock, timeoutMs }: Limits,
): Store {
  const made = new Map<PropertyKey, Made>()
  const wrapped = (target: Store, name: string | symbol, member: Method): Method => {
    if (typeof name === 'symbol' || unbounded.includes(name)) return member.bind(target)
    const late = () => new CallTimeoutError(`${what} (${name})`, timeoutMs)
    return (...args) =>
      withDeadline(() => Promise.resolve(Reflect.apply(member, target, args)), { clock, timeoutMs, late })
  }
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const before = made.get(name)
      if (before?.of === member) return before.wrapped
      const method = { of: member, wrapped: wrapped(target, name, member as Method) }
      made.set(name, method)
      return method.wrapped
    },
  })
}

type Method = (...args: readonly unknown[]) => unknown

/** A method as it is handed out, and what it is made of: blocks call some of them each time. */
interface Made {
  readonly of: unknown
  readonly wrapped: Method
}
