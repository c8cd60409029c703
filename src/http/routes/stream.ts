import { z } from 'zod'
import { hasEnded } from '../../jobs/job-record.ts'
import { covers } from '../auth/access.ts'
import { authorizeRequest } from '../auth/authorize-request.ts'
import { jobEvent } from '../openapi/schemas/events.ts'
import { wholeNumberField } from '../openapi/schemas/fields.ts'
import { ownJob } from '../request/own-job.ts'
import { statusOfJob } from '../response/job-status-view.ts'
import { jobNotFound } from '../response/problem-of-error.ts'
import { eventStream } from '../stream/event-stream.ts'
import { opening } from '../stream/frame.ts'
import { Permission } from '../stream/permission.ts'
import { route } from './route.ts'

const lastEventId = wholeNumberField('The last event that the client has; the stream goes on behind it', {
  least: 0,
  most: Number.MAX_SAFE_INTEGER,
})

/** Some clients send it empty as long as they have no event. */
const lastEventIdHeader = z.preprocess((value) => (value === '' ? undefined : value), lastEventId.optional())

const DESCRIPTION = `Server-sent events. First \`snapshot\`, without an id, with a JobStatus; then each stored event with its
number as id and a JobEvent as data: \`queued\`, \`started\`, \`resumed\`, \`stage\`, \`progress\`, \`error\` (a failure), \`retry\`,
\`complete\`, \`failed\`, \`cancelled\`, \`paused\`, \`interrupted\`. It ends with the last event of the present run. Comments in between say that
the server is still there. It ends before that when the credentials expire or are revoked.`

/** What happens to a job, as it happens. */
export const streamRoute = route(
  {
    method: 'GET',
    path: '/stream/:job_id',
    action: 'read',
    name: 'stream',
    summary: 'What happens to a job, as it happens',
    query: z.strictObject({ last_event_id: lastEventId.optional() }),
    headers: z.object({ 'last-event-id': lastEventIdHeader }),
    answers: {
      200: { description: DESCRIPTION, schema: z.string(), contentType: 'text/event-stream', eventSchema: jobEvent },
      204: { description: 'The job has ended and the client has its last event: there is no need to come back' },
    },
  },
  async (call) => {
    const { api, query, headers, request, access } = call
    const job = await ownJob(call)
    // A client that comes back by itself repeats its first query; the header is what it knows now.
    const after = Math.min(headers['last-event-id'] ?? query.last_event_id ?? 0, job.lastSeq)
    if (hasEnded(job.status) && after === job.lastSeq) return new Response(null, { status: 204 })
    const { heartbeatMs, clock, logger } = api.options
    const permission = new Permission({
      access,
      async renew() {
        const renewed = await authorizeRequest(request, api.options, 'read')
        if (!covers(renewed, job.tenantId)) throw jobNotFound()
        return renewed
      },
      renewMs: heartbeatMs,
      clock,
    })
    const stream = eventStream({
      jobId: job.id,
      opening: opening(await statusOfJob(api, job)),
      after,
      lastSeq: job.lastSeq,
      feeds: api.feeds,
      permission,
      heartbeatMs,
      clock,
      logger,
    })
    return new Response(stream, {
      headers: {
        'Content-Type': 'text/event-stream',
        // Without `no-transform` a compressing middleware holds events back.
        'Cache-Control': 'no-store, no-transform',
        'X-Accel-Buffering': 'no',
      },
    })
  },
)
