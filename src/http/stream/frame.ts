import type { JobEvent } from '../../jobs/job-events.ts'
import { eventName, eventView } from '../response/event-view.ts'
import type { DescribeFailure } from '../response/failure-text.ts'

/** A stored event as a stream carries it. */
export interface Frame {
  readonly seq: number
  readonly isProgress: boolean
  readonly bytes: Uint8Array
}

/** The comment that says that the server is still there. */
export const heartbeat: Uint8Array = Buffer.from(':\n\n')

/** Only stored events have an id: it is where a client goes on. */
export function frameOf(event: JobEvent, describe: DescribeFailure): Frame {
  const { seq, type } = event
  const text = `id: ${seq}\nevent: ${eventName(event)}\ndata: ${JSON.stringify(eventView(event, describe))}\n\n`
  return { seq, isProgress: type === 'progress', bytes: Buffer.from(text) }
}

/** What a stream begins with: when to come back after it broke, and how the job stands. */
export function opening(status: object): Uint8Array {
  return Buffer.from(`retry: 2000\n\nevent: snapshot\ndata: ${JSON.stringify(status)}\n\n`)
}
