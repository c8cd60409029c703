import type { JobEvent } from './job-events.ts'
import type { JobReader } from './job-reader.ts'
import { hasEnded } from './job-record.ts'

/** How many events are read at a time, so that a slow reader costs no memory. */
const PAGE = 256

/**
 * A job's events after `after`, in order, up to the last one of its present run. Once the reader is closed nothing is waited
 * for: what is stored is all.
 */
export async function* followEvents(
  jobs: JobReader,
  jobId: string,
  options: { readonly after?: number; readonly signal?: AbortSignal },
): AsyncGenerator<JobEvent, void> {
  const { signal } = options
  let after = options.after ?? 0
  let news = false
  let wake: (() => void) | undefined
  const notify = () => {
    news = true
    wake?.()
  }
  const unwatch = jobs.watch(jobId, notify)
  const wakeUp = () => wake?.()
  signal?.addEventListener('abort', notify, { once: true })
  jobs.closed.addEventListener('abort', wakeUp, { once: true })
  try {
    while (!signal?.aborted) {
      news = false
      // The record is read first: events that are stored in between are then found, never missed.
      const record = await jobs.get(jobId)
      const page = await jobs.events(jobId, { after, limit: PAGE })
      const ended = !record || hasEnded(record.status)
      for (const event of page) {
        // What is stored later than the end that was read belongs to another run.
        if (record && ended && event.seq > record.lastSeq) return
        yield event
        after = event.seq
        if (signal?.aborted) return
      }
      if (!record || (ended && after >= record.lastSeq)) return
      if (page.length < PAGE && !news) {
        if (jobs.closed.aborted) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        if (jobs.closed.aborted && !news) return
      }
    }
  } finally {
    signal?.removeEventListener('abort', notify)
    jobs.closed.removeEventListener('abort', wakeUp)
    unwatch()
  }
}
