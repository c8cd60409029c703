import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { WatchAction } from '../model/watched-job.ts'
import type { Api } from '../net/api.ts'
import type { JobEvent } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { watchJob } from '../net/watch-job.ts'

/** Events that change more of a job than they tell. */
const RETELLING = new Set(['started', 'resumed', 'stage'])

/** Keeps the state up to date about the job that is looked at. */
export class JobWatch {
  readonly #api: Api
  readonly #store: Store<State, Action>
  readonly #wake = new EventTarget()
  #watching: { readonly jobId: string; readonly stop: AbortController } | null = null

  constructor(api: Api, store: Store<State, Action>) {
    this.#api = api
    this.#store = store
    store.subscribe((state) => this.#follow(state.watched?.id ?? null))
    // Whatever broke may be whole again: the network is back, the lid is open.
    window.addEventListener('online', () => this.tryNow())
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.tryNow()
    })
  }

  /** Does not wait any longer before the next try. */
  tryNow(): void {
    this.#wake.dispatchEvent(new Event('wake'))
  }

  /** Reads how the job stands, in place of waiting to hear of it. */
  async reread(jobId: string): Promise<void> {
    try {
      const job = await this.#api.job(jobId)
      this.#tell(jobId, { type: 'job-read', job, nowMs: performance.now() })
    } catch (error) {
      // The stream, which is read at the same time, tells of a server that is away.
      if (!problemOf(error).passing) this.tryNow()
    }
  }

  #follow(jobId: string | null): void {
    if (this.#watching?.jobId === jobId || (!this.#watching && jobId === null)) return
    this.#watching?.stop.abort()
    this.#watching = jobId === null ? null : { jobId, stop: new AbortController() }
    if (this.#watching) void this.#watch(this.#watching.jobId, this.#watching.stop.signal)
  }

  #watch(jobId: string, signal: AbortSignal): Promise<void> {
    const connection = (now: Extract<WatchAction, { type: 'connection' }>['connection'], problem?: string) => {
      this.#tell(jobId, { type: 'connection', connection: now, ...(problem !== undefined && { problem }) })
    }
    return watchJob(
      this.#api,
      jobId,
      {
        onJob: (job) => this.#tell(jobId, { type: 'job-read', job, nowMs: performance.now() }),
        onEvent: (event) => this.#happened(jobId, event),
        onLive: () => connection('live'),
        onWaiting: () => connection('reconnecting'),
        onEnded: () => connection('ended'),
        onGivenUp: (problem) => {
          const unknown = problem.status === 404
          connection('given-up', unknown ? 'There is no such job, or not for this key.' : problem.message)
        },
      },
      this.#wake,
      signal,
    )
  }

  #happened(jobId: string, event: JobEvent): void {
    this.#tell(jobId, { type: 'job-happened', event, nowMs: performance.now() })
    if (RETELLING.has(event.type)) void this.reread(jobId)
  }

  #tell(jobId: string, action: WatchAction): void {
    this.#store.dispatch({ type: 'watched', jobId, action })
  }
}
