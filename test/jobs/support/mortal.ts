import type { RecalcBackend } from 'recalc-service'
import { Interruption } from '../../changes/support/tables.ts'

/** Called within a transaction. The server rolls it back when its process dies: nothing may be left open. */
const WITHIN_TRANSACTION: readonly PropertyKey[] = ['saveStep', 'save']

/** A backend that answers nobody any more once its process is dead. */
export function mortal(backend: RecalcBackend<undefined>, dead: { readonly now: boolean }): RecalcBackend<undefined> {
  const { jobs, lanes } = backend
  return { ...backend, jobs: mortalStore(jobs, dead), ...(lanes && { lanes: mortalStore(lanes, dead) }) }
}

function mortalStore<Store extends object>(store: Store, dead: { readonly now: boolean }): Store {
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => unknown
      return (...args: unknown[]) => {
        if (!dead.now) return method.apply(target, args)
        return WITHIN_TRANSACTION.includes(name) ? Promise.reject(new Interruption('dead')) : new Promise(() => {})
      }
    },
  })
}
