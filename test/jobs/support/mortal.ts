import type { RecalcBackend } from 'recalc-service'
import type { JobStore } from 'recalc-service/backend'

/** A backend that answers nobody any more once its process is dead. */
export function mortal(backend: RecalcBackend<undefined>, dead: { readonly now: boolean }): RecalcBackend<undefined> {
  const jobs = new Proxy<JobStore>(backend.jobs, {
    get(target, name: keyof JobStore) {
      const method = target[name] as (...args: unknown[]) => unknown
      return (...args: unknown[]) => (dead.now ? new Promise(() => {}) : method.apply(target, args))
    },
  })
  return { ...backend, jobs }
}
