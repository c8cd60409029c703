import type { RecalcBackend } from 'recalc-service'

/** A backend that answers nobody any more once its process is dead. */
export function mortal(backend: RecalcBackend<undefined>, dead: { readonly now: boolean }): RecalcBackend<undefined> {
  const { jobs, lanes } = backend
  return { ...backend, jobs: mortalStore(jobs, dead), ...(lanes && { lanes: mortalStore(lanes, dead) }) }
}

function mortalStore<Store extends object>(store: Store, dead: { readonly now: boolean }): Store {
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => unknown
      return (...args: unknown[]) => (dead.now ? new Promise(() => {}) : method.apply(target, args))
    },
  })
}
