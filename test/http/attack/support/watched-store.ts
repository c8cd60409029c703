import type { RecalcBackend } from 'recalc-service'
import { changedStore } from '../../../jobs/support/changed-store.ts'

/** A backend that counts who watches its jobs at present. */
export function watchedBackend(inner: RecalcBackend<undefined>): {
  readonly backend: RecalcBackend<undefined>
  watchers(): number
} {
  let watchers = 0
  const backend = changedStore(inner, (jobs) => ({
    watch(jobId, listener) {
      watchers += 1
      const unwatch = jobs.watch(jobId, listener)
      return () => {
        watchers -= 1
        unwatch()
      }
    },
  }))
  return { backend, watchers: () => watchers }
}

/** Resolves once it is so; the test's own time limit is what ends waiting for what never comes. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}
