import { hasEnded } from '../model/job-status.ts'
import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { WatchAction } from '../model/watched-job.ts'
import { type Api, isAnswer } from '../net/api.ts'
import type { Job, JobEvent } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { readEvents } from '../net/read-events.ts'
import { throttle } from './throttle.ts'

/** A connection that is silent for longer is taken for dead; the server gives a sign of life every 15 s by default. */
const SILENCE_MS = 45_000

/** A connection that held for this long was a good one, even if nothing happened. */
const LASTING_MS = 10_000

/** How often a job that has ended is looked at, for somebody may resume it. */
const LOOK_AGAIN_MS = 5_000

/** The least time between two looks, whatever the server says. */
const LOOK_MS = 1_000

/** Events that change more of a job than they tell. */
const RETELLING = new Set(['started', 'resumed', 'stage'])
const TERMINAL = new Set(['completed', 'failed', 'cancelled', 'paused', 'interrupted'])

/**
 * Keeps the state up to date about the job that is looked at: reads how it stands, then its events from there on; when the
 * connection breaks, the same again. Whatever ended a connection, a server that restarts included, the next one begins
 * with the truth. How long to wait after a failure the API's pace knows.
 */
export class JobWatch {
  readonly #api: Api
  readonly #store: Store<State, Action>
  readonly #wake = new EventTarget()
  readonly #rereadSoon = throttle(LOOK_MS, async () => {
    if (this.#jobId !== null) await this.reread(this.#jobId, false)
  })
  #jobId: string | null = null
  #stop = new AbortController()

  constructor(api: Api, store: Store<State, Action>) {
    this.#api = api
    this.#store = store
    store.subscribe(({ watched }) => {
      const jobId = watched?.id ?? null
      if (jobId === this.#jobId) return
      this.#stop.abort()
      this.#stop = new AbortController()
      this.#jobId = jobId
      if (jobId !== null) void this.#follow(jobId, this.#stop.signal)
    })
  }

  /** Does not wait any longer before the next look. */
  tryNow(): void {
    this.#wake.dispatchEvent(new Event('wake'))
  }

  /** Reads how the job stands, in place of waiting to hear of it. */
  async reread(jobId: string, urgent = true): Promise<void> {
    // The stream, which is read at the same time, tells of a server that is away.
    const job = await this.#api.job(jobId, { urgent }).catch(() => null)
    if (job) this.#tell(jobId, { type: 'job-read', job, nowMs: performance.now() })
  }

  async #follow(jobId: string, signal: AbortSignal): Promise<void> {
    const connection = (
      now: Extract<WatchAction, { type: 'connection' }>['connection'],
      problem: string | null = null,
    ) => this.#tell(jobId, { type: 'connection', connection: now, problem })
    for (let urgent = true; !signal.aborted; urgent = false) {
      const least = pause(LOOK_MS, signal)
      try {
        const job = await this.#api.job(jobId, { urgent, signal })
        this.#tell(jobId, { type: 'job-read', job, nowMs: performance.now() })
        if (hasEnded(job.status)) {
          connection('ended')
          await pause(LOOK_AGAIN_MS, signal, this.#wake)
        } else if (!(await this.#listen(job, signal, () => connection('live')))) {
          this.#api.streamBroke()
          connection('reconnecting')
        }
      } catch (error) {
        if (signal.aborted) return
        const { passing, status, message } = problemOf(error)
        if (!passing) {
          return connection('given-up', status === 404 ? 'There is no such job, or not for this key.' : message)
        }
        connection('reconnecting')
      }
      await least
    }
  }

  /** Resolves when the stream is over: with true when the job's run is, too. */
  async #listen({ job_id: jobId, last_seq: lastSeq }: Job, signal: AbortSignal, onLive: () => void): Promise<boolean> {
    const silence = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const heard = () => {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), SILENCE_MS)
    }
    let ended = false
    const begun = performance.now()
    try {
      heard()
      const stream = await this.#api.stream(jobId, lastSeq, AbortSignal.any([signal, silence.signal]))
      if (!stream) return false
      onLive()
      await readEvents(
        stream,
        ({ event, data }) => {
          if (event === 'snapshot') {
            if (isAnswer<Job>(data, 'stages'))
              this.#tell(jobId, { type: 'job-read', job: data, nowMs: performance.now() })
            return
          }
          this.#api.streamHeld()
          // The server's own schemas vouch for the shape.
          const happened = data as JobEvent
          ended = TERMINAL.has(happened.type)
          this.#tell(jobId, { type: 'job-happened', event: happened, nowMs: performance.now() })
          if (RETELLING.has(happened.type)) this.#rereadSoon()
        },
        heard,
      )
    } catch (error) {
      if (signal.aborted || !problemOf(error).passing) throw error
    } finally {
      clearTimeout(timer)
    }
    if (performance.now() - begun > LASTING_MS) this.#api.streamHeld()
    return ended
  }

  #tell(jobId: string, action: WatchAction): void {
    this.#store.dispatch({ type: 'watched', jobId, action })
  }
}

/** Waits; shorter when `wake` says that it is worth trying now. */
function pause(ms: number, signal: AbortSignal, wake = new EventTarget()): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      wake.removeEventListener('wake', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    wake.addEventListener('wake', done)
    signal.addEventListener('abort', done)
  })
}
