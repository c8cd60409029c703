import { EventSource } from 'eventsource'
import type { JobEvent, RecalcService } from 'recalc-service'
import { expect, test } from 'vitest'
import { gate } from '../../support/gate.ts'
import { ALL, apiUnderTest, KEYS } from '../support/api-under-test.ts'
import type { ApiClient, Heard } from '../support/client.ts'

const eager = { progressIntervalMs: 0, block: { employees: 1, days: 1 } } as const

function idsOf(heard: readonly Heard[]): readonly number[] {
  return heard.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]))
}

async function storedEvents(service: RecalcService<undefined>, jobId: string): Promise<readonly JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of (await service.openJob(jobId)).events()) events.push(event)
  return events
}

async function finishedJob(client: ApiClient): Promise<string> {
  const { body } = await client.post('/', ALL)
  await client.heard(body.job_id)
  return body.job_id
}

test('a stream begins with a snapshot without an id and gives every event up to the last', async () => {
  const { client, service, failing } = await apiUnderTest(eager)
  failing.add('e1 2025-01-02')
  const { body: job } = await client.post('/', ALL)
  const heard = await client.heard(job.job_id)
  const [snapshot, ...events] = heard
  expect(snapshot).toMatchObject({ event: 'snapshot', id: undefined, value: { job_id: job.job_id } })
  const stored = await storedEvents(service, job.job_id)
  expect(events.map(({ id }) => Number(id))).toEqual(stored.map(({ seq }) => seq))
  expect(events.map(({ value }) => value.type)).toEqual(stored.map(({ type }) => type))
  const names = new Map(events.map(({ event, value }) => [value.type, event]))
  expect(names.get('failure')).toBe('error')
  expect(names.get('completed')).toBe('complete')
  expect(names.get('progress')).toBe('progress')
  const failure = events.find(({ event }) => event === 'error')
  expect(failure?.value).toMatchObject({ employee_id: 'e1', date: '2025-01-02', message: 'no hours for e1 2025-01-02' })
  expect(events.at(-1)?.value.result).toMatchObject({ status: 'completed_with_errors', processed_days: 5 })
})

test('a stream says how it is to be treated on its way', async () => {
  const { client } = await apiUnderTest()
  const jobId = await finishedJob(client)
  const { headers, text } = await client.get(`/stream/${jobId}`)
  expect(headers.get('content-type')).toBe('text/event-stream')
  expect(headers.get('cache-control')).toBe('no-store, no-transform')
  expect(headers.get('x-accel-buffering')).toBe('no')
  expect(text.startsWith('retry: 2000\n\nevent: snapshot\ndata: {')).toBe(true)
})

test('events arrive while the job runs', async () => {
  const { arrived, pass, open } = gate()
  const { client } = await apiUnderTest({
    ...eager,
    calculate: (day) => (day === 'e2 2025-01-03' ? pass() : undefined),
  })
  const { body: job } = await client.post('/', ALL)
  const types: string[] = []
  for await (const { event, value } of client.stream(job.job_id)) {
    types.push(event ?? '')
    if (event !== 'progress' || value.current !== 5) continue
    await arrived
    expect((await client.get(`/status/${job.job_id}`)).body.status).toBe('running')
    open()
  }
  expect(types.at(-1)).toBe('complete')
})

test('a client that comes back after every single event hears each exactly once, whether the job runs or has ended', async () => {
  for (const live of [true, false]) {
    const { client, service, failing } = await apiUnderTest(eager)
    failing.add('e2 2025-01-01')
    const jobId = live ? (await client.post('/', ALL)).body.job_id : await finishedJob(client)
    const joined: Heard[] = []
    for (;;) {
      const lastEventId = joined.length === 0 ? undefined : Number(joined.at(-1)?.id)
      const answer = lastEventId !== undefined && (await endedWith(client, jobId, lastEventId))
      if (answer) break
      for await (const message of client.stream(jobId, lastEventId === undefined ? {} : { lastEventId })) {
        if (message.event === 'snapshot') continue
        joined.push(message)
        break
      }
    }
    const stored = await storedEvents(service, jobId)
    expect(idsOf(joined)).toEqual(stored.map(({ seq }) => seq))
    expect(joined.map(({ value }) => value.type)).toEqual(stored.map(({ type }) => type))
  }
})

async function endedWith(client: ApiClient, jobId: string, lastEventId: number): Promise<boolean> {
  const { body } = await client.get(`/status/${jobId}`)
  return body.finished_at !== null && body.last_seq === lastEventId
}

test('the header counts more than the query of a client that comes back by itself', async () => {
  const { client } = await apiUnderTest(eager)
  const jobId = await finishedJob(client)
  const all = idsOf(await client.heard(jobId))
  expect(idsOf(await client.heard(jobId, { query: '?last_event_id=3' }))).toEqual(all.slice(3))
  expect(idsOf(await client.heard(jobId, { query: '?last_event_id=3', lastEventId: 5 }))).toEqual(all.slice(5))
})

test('a client that has the last event of an ended job need not come back', async () => {
  const { client } = await apiUnderTest()
  const jobId = await finishedJob(client)
  const last = idsOf(await client.heard(jobId)).at(-1)
  for (const id of [last, 9_007_199_254_740_991]) {
    const { status, text } = await client.get(`/stream/${jobId}`, { 'Last-Event-ID': String(id) })
    expect([status, text]).toEqual([204, ''])
  }
})

test('a Last-Event-ID that is no number is refused', async () => {
  const { client } = await apiUnderTest()
  const jobId = await finishedJob(client)
  for (const id of ['x', '-1', '1.5', '1e3', '99999999999999999999', '1, 2']) {
    const { status, body } = await client.get(`/stream/${jobId}`, { 'Last-Event-ID': id })
    expect([status, body.errors[0].field]).toEqual([400, 'last-event-id'])
  }
  expect((await client.get(`/stream/${jobId}?last_event_id=1&last_event_id=2`)).status).toBe(400)
})

test('the stream of a resumed job holds the end of its first run and goes on to that of the present one', async () => {
  const { client, failing } = await apiUnderTest(eager)
  failing.add('e1 2025-01-01')
  const jobId = await finishedJob(client)
  failing.clear()
  await client.post(`/resume/${jobId}`)
  const heard = await client.heard(jobId)
  const ends = heard.filter(({ event }) => event === 'complete')
  expect(ends.map(({ value }) => value.result.status)).toEqual(['completed_with_errors', 'completed'])
  expect(heard.at(-1)).toBe(ends[1])
  expect(idsOf(heard)).toEqual(idsOf(heard).map((_, i) => i + 1))
})

test('a stream ends when the service is stopped', async () => {
  const { arrived, pass, open } = gate()
  const { client, service } = await apiUnderTest({ ...eager, calculate: () => pass() })
  const { body: job } = await client.post('/', ALL)
  await arrived
  const heard: string[] = []
  let stopping: Promise<void> | undefined
  for await (const { event } of client.stream(job.job_id)) {
    heard.push(event ?? '')
    if (event !== 'progress' || stopping) continue
    stopping = service.stop()
    open()
  }
  await stopping
  expect(heard.at(-1)).toBe('interrupted')
})

test('an EventSource that nobody here wrote hears everything, comes back once, and then rests', async () => {
  const { client, service } = await apiUnderTest(eager)
  const { body: job } = await client.post('/', ALL)
  const requests: (string | null)[] = []
  const source = new EventSource(`${client.base}/stream/${job.job_id}`, {
    fetch: (url, init) => {
      requests.push(new Headers(init.headers).get('last-event-id'))
      return fetch(url, { ...init, headers: { ...init.headers, 'X-API-Key': KEYS.acme } })
    },
  })
  const ids: number[] = []
  const rested = Promise.withResolvers<void>()
  const hear = ({ lastEventId }: MessageEvent) => ids.push(Number(lastEventId))
  for (const name of ['queued', 'started', 'stage', 'progress', 'complete']) source.addEventListener(name, hear)
  source.addEventListener('error', () => source.readyState === source.CLOSED && rested.resolve())
  await rested.promise
  const stored = await storedEvents(service, job.job_id)
  expect(ids).toEqual(stored.map(({ seq }) => seq))
  expect(requests).toEqual([null, String(ids.at(-1))])
})

test('many clients of one job all hear its end', async () => {
  const { arrived, pass, open } = gate()
  const { client } = await apiUnderTest({
    ...eager,
    calculate: (day) => (day === 'e1 2025-01-02' ? pass() : undefined),
  })
  const { body: job } = await client.post('/', ALL)
  await arrived
  const streams = Array.from({ length: 50 }, () => client.heard(job.job_id))
  open()
  const heard = await Promise.all(streams)
  const [first] = heard
  for (const one of heard) {
    expect(one.at(-1)?.event).toBe('complete')
    expect(idsOf(one)).toEqual(idsOf(first ?? []))
  }
})

test('an empty Last-Event-ID is that of a client that has no event yet', async () => {
  const { client } = await apiUnderTest()
  const jobId = await finishedJob(client)
  const { status, text } = await client.get(`/stream/${jobId}`, { 'Last-Event-ID': '' })
  expect(status).toBe(200)
  expect(text).toContain('id: 1\n')
  expect((await client.get(`/stream/${jobId}`, { 'Last-Event-ID': 'x' })).status).toBe(400)
  expect((await client.get(`/stream/${jobId}?last_event_id=2`, { 'Last-Event-ID': '' })).text).not.toContain('id: 2\n')
})
