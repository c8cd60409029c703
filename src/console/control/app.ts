import type { Route } from '../model/route.ts'
import { hashOf, routeOf } from '../model/route.ts'
import { type Action, initialState, type JobFilter, reduce, type State } from '../model/state.ts'
import { createStore } from '../model/store.ts'
import { Api } from '../net/api.ts'
import { Pace } from '../net/pace.ts'
import { sessionKey } from '../net/session-key.ts'
import { checkAccess, lock } from './access.ts'
import { FailureReader } from './failure-reader.ts'
import { JobWatch } from './job-watch.ts'
import { throttle } from './throttle.ts'

/** The least time between two looks at the failures of a job that runs. */
const FAILURES_REFRESH_MS = 1_000

/** What the page does, apart from what it looks like: its state, and everything that asks the server. */
export class App {
  readonly store = createStore<State, Action>(reduce, initialState)
  readonly api: Api
  readonly failures: FailureReader
  readonly #pace = new Pace()
  readonly #watch: JobWatch

  constructor() {
    const { store } = this
    // The page is served at the path that the API lies under, wherever a host has mounted it.
    this.api = new Api(location.pathname.replace(/\/+$/, ''), sessionKey.read, this.#pace, () => {
      if (store.state.access.name === 'open') lock(store, 'The server does not accept this key any more.')
    })
    this.failures = new FailureReader(this.api, store)
    this.#watch = new JobWatch(this.api, store)
  }

  start(): void {
    const { store } = this
    const refreshFailures = throttle(FAILURES_REFRESH_MS, () => this.failures.refresh())
    store.subscribe(({ watched, access }, before) => {
      const [job, known] = [watched?.job, before?.watched?.job]
      if (job && job.job_id !== known?.job_id) void this.failures.refresh()
      else if (job && known) {
        const same = job.status === known.status && job.error_count === known.error_count && job.runs === known.runs
        if (!same) refreshFailures()
      }
      if (access.name !== 'open' || before?.access.name === 'open') return
      // What the address asks for could not be read before.
      this.#follow()
    })
    window.addEventListener('hashchange', () => {
      if (store.state.access.name === 'open') this.#follow()
    })
    // Whatever broke may be whole again: the network is back, the lid is open.
    window.addEventListener('online', () => this.tryNow())
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.tryNow()
    })
    void checkAccess(this.api, store)
  }

  async enter(key: string): Promise<void> {
    sessionKey.keep(key)
    await checkAccess(this.api, this.store)
  }

  forgetKey(): void {
    lock(this.store, null)
  }

  /** Goes there: the address changes, and the page follows it. */
  goTo(route: Partial<Route> & Pick<Route, 'screen'>): void {
    location.hash = hashOf(route)
  }

  filter(filter: JobFilter): void {
    this.store.dispatch({ type: 'filtered', filter })
  }

  async cancel(jobId: string, reason: string): Promise<void> {
    await this.api.cancel(jobId, reason)
    await this.#watch.reread(jobId)
  }

  async pause(jobId: string): Promise<void> {
    await this.api.pause(jobId)
    await this.#watch.reread(jobId)
  }

  async resume(jobId: string): Promise<void> {
    await this.api.resume(jobId)
    await this.#watch.reread(jobId)
    this.#watch.tryNow()
  }

  /** Does not wait any longer for what failed. */
  tryNow(): void {
    this.#pace.tryNow()
    this.#watch.tryNow()
  }

  #follow(): void {
    this.store.dispatch({ type: 'routed', route: routeOf(location.hash) })
  }
}
