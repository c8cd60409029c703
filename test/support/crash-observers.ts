import type { Pool } from 'mysql2'
import type { JobStore } from '../../src/backend.ts'
import { type Clock, type RecalcBackend, systemClock, type Timer } from '../../src/index.ts'
import { HANGS_MS } from './limits.ts'

/** A clock that knows how many of its timers are pending. */
export interface CountingClock extends Clock {
  readonly pending: number
}

/** The machine's clock, ahead by what `aheadMs` says, that counts its timers. */
export function countingClock(aheadMs: () => number = () => 0): CountingClock {
  const timers = new Set<Timer>()
  return {
    get pending() {
      return timers.size
    },
    now: () => systemClock.now() + aheadMs(),
    setTimeout(callback, delayMs) {
      const inner = systemClock.setTimeout(() => {
        timers.delete(timer)
        callback()
      }, delayMs)
      const timer: Timer = {
        cancel() {
          timers.delete(timer)
          inner.cancel()
        },
        unref: () => inner.unref(),
      }
      timers.add(timer)
      return timer
    },
  }
}

/** How often a method of a job store was called, and how many of its calls were under way at once at most. */
export interface CallCount {
  calls: number
  atOnce: number
}

/** A backend whose job store counts the calls of one method. */
export function countingCalls<Tx>(
  backend: RecalcBackend<Tx>,
  method: keyof JobStore<Tx>,
): { readonly backend: RecalcBackend<Tx>; readonly count: CallCount } {
  const count: CallCount = { calls: 0, atOnce: 0 }
  let underWay = 0
  const jobs = new Proxy(backend.jobs, {
    get(target, name: keyof JobStore<Tx>) {
      const original = target[name] as (...args: unknown[]) => unknown
      if (name !== method) return original.bind(target)
      return async (...args: unknown[]) => {
        count.calls += 1
        underWay += 1
        count.atOnce = Math.max(count.atOnce, underWay)
        try {
          return await original.apply(target, args)
        } finally {
          underWay -= 1
        }
      }
    },
  })
  return { backend: { unitOfWork: backend.unitOfWork, jobs }, count }
}

/** The connections of a pool that somebody holds, and who waits for one. */
export function countHeld(pool: Pool): { readonly held: number; readonly waiting: number } {
  // mysql2 tells of connections that are taken and given back, but not of those that died meanwhile.
  type Lists = Record<'_allConnections' | '_freeConnections' | '_connectionQueue', { readonly length: number }>
  const lists = pool as unknown as Lists
  return {
    get held() {
      return lists._allConnections.length - lists._freeConnections.length
    },
    get waiting() {
      return lists._connectionQueue.length
    },
  }
}

/** Looks until it is so. @throws after `deadlineMs`, with what was waited for. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  deadlineMs = HANGS_MS,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Expected within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
