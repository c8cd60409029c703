import { hasEnded } from '../model/job-status.ts'
import type { Api } from './api.ts'
import type { Job, JobEvent } from './api-types.ts'
import { Backoff } from './backoff.ts'
import { type Problem, problemOf } from './problem.ts'
import { readEvents } from './read-events.ts'

/** What a watcher tells. */
export interface WatchListener {
  /** How the job stands, read anew. */
  onJob(job: Job): void
  onEvent(event: JobEvent): void
  onLive(): void
  /** The connection is gone and is tried again in `ms`. */
  onWaiting(ms: number): void
  /** The job has ended; it is looked at now and then, for somebody may resume it. */
  onEnded(): void
  /** It makes no sense to try again. */
  onGivenUp(problem: Problem): void
}

/** A connection that is silent for longer is taken for dead; the server gives a sign of life every 15 s by default. */
const SILENCE_MS = 45_000

/** A connection that held for this long was a good one, even if nothing happened. */
const LASTING_MS = 10_000

/** How often a job that has ended is looked at. */
const LOOK_AGAIN_MS = 5_000

/**
 * Follows a job until `signal` aborts: reads how it stands, then its events from there on; when the connection breaks, the
 * same again. Whatever ended a connection, a server that restarts included, the next one begins with the truth.
 */
export async function watchJob(
  api: Api,
  id: string,
  listener: WatchListener,
  wake: EventTarget,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff()
  while (!signal.aborted) {
    try {
      const job = await api.job(id)
      if (signal.aborted) return
      listener.onJob(job)
      if (hasEnded(job.status)) {
        backoff.reset()
        listener.onEnded()
        await pause(LOOK_AGAIN_MS, wake, signal)
        continue
      }
      const outcome = await followOnce(api, id, job.last_seq, listener, signal, () => backoff.reset())
      if (outcome === 'ended' || signal.aborted) continue
    } catch (error) {
      if (signal.aborted) return
      const problem = problemOf(error)
      if (!problem.passing) return listener.onGivenUp(problem)
    }
    const ms = backoff.next()
    listener.onWaiting(ms)
    await pause(ms, wake, signal)
  }
}

/** Resolves when the stream is over: `ended` when the job's run is, too. `onProof`: this connection does work. */
async function followOnce(
  api: Api,
  id: string,
  lastSeq: number,
  listener: WatchListener,
  signal: AbortSignal,
  onProof: () => void,
): Promise<'ended' | 'broken'> {
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
    const stream = await api.stream(id, lastSeq, AbortSignal.any([signal, silence.signal]))
    // It ended in between; reading it again tells.
    if (!stream) return 'broken'
    listener.onLive()
    await readEvents(
      stream,
      ({ event, data }) => {
        // The server's own schemas vouch for the shape.
        if (event === 'snapshot') return listener.onJob(data as Job)
        onProof()
        const happened = data as JobEvent
        ended = isTerminal(happened)
        listener.onEvent(happened)
      },
      heard,
    )
  } finally {
    clearTimeout(timer)
    if (performance.now() - begun > LASTING_MS) onProof()
  }
  return ended ? 'ended' : 'broken'
}

function isTerminal({ type }: JobEvent): boolean {
  return type === 'completed' || type === 'failed' || type === 'cancelled' || type === 'interrupted'
}

/** Waits; shorter when `wake` says that it is worth trying now. */
function pause(ms: number, wake: EventTarget, signal: AbortSignal): Promise<void> {
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
