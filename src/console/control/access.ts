import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { Api } from '../net/api.ts'
import { problemOf } from '../net/problem.ts'
import { sessionKey } from '../net/session-key.ts'

/**
 * Asks the server who we are, and opens the page or asks for a key. A host that knows its callers by other means, such as
 * a cookie, never asks for one. How long to wait between two tries the API's pace knows.
 */
export async function checkAccess(api: Api, store: Store<State, Action>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const keyed = sessionKey.read() !== null
    try {
      const me = await api.me({ urgent: tries === 0 })
      return store.dispatch({ type: 'access', access: { name: 'open', me, keyed } })
    } catch (error) {
      const problem = problemOf(error)
      if (!problem.passing) return lock(store, keyed ? refusalOf(problem.status, problem.message) : null)
      store.dispatch({ type: 'access', access: { name: 'checking', problem: `${problem.message} Trying again…` } })
    }
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
