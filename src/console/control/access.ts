import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { Api } from '../net/api.ts'
import { Backoff } from '../net/backoff.ts'
import { problemOf } from '../net/problem.ts'
import { sessionKey } from '../net/session-key.ts'

/**
 * Asks the server who we are, and opens the page or asks for a key. A host that knows its callers by other means, such as
 * a cookie, never asks for one.
 */
export async function checkAccess(api: Api, store: Store<State, Action>): Promise<void> {
  const backoff = new Backoff()
  for (;;) {
    const keyed = sessionKey.read() !== null
    try {
      const me = await api.me()
      return store.dispatch({ type: 'access', access: { name: 'open', me, keyed } })
    } catch (error) {
      const problem = problemOf(error)
      if (!problem.passing) return lock(store, keyed ? refusalOf(problem.status, problem.message) : null)
      store.dispatch({ type: 'access', access: { name: 'checking', problem: `${problem.message} Trying again…` } })
    }
    await new Promise((resolve) => setTimeout(resolve, backoff.next()))
  }
}

/** Forgets the key and everything that was read with it. */
export function lock(store: Store<State, Action>, problem: string | null): void {
  sessionKey.forget()
  store.dispatch({ type: 'access', access: { name: 'locked', problem } })
}

function refusalOf(status: number, message: string): string {
  if (status === 401) return 'The server does not accept this key.'
  return status === 403 ? 'This key does not allow reading.' : message
}
