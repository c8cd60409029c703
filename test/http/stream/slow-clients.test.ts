import { type JobEvent, memoryBackend, type RecalcBackend } from 'recalc-service'
import { createRecalcApi } from 'recalc-service/http'
import { manualClock } from 'recalc-service/testing'
import { expect, test } from 'vitest'
import { eventStream } from '../../../src/http/stream/event-stream.ts'
import { JobFeeds } from '../../../src/http/stream/job-feeds.ts'
import { Permission } from '../../../src/http/stream/permission.ts'
import { silentLogger } from '../../../src/pipeline/logger.ts'
import { changedStore } from '../../jobs/support/changed-store.ts'
import { office } from '../../jobs/support/office.ts'
import { gate } from '../../support/gate.ts'
import { settled } from '../../support/settled.ts'
import { authorize, KEYS } from '../support/api-under-test.ts'
import { BASE } from '../support/server.ts'

/** A store that counts who watches it, and the reads of events. */
function watchedBackend(): { backend: RecalcBackend<undefined>; watchers: () => number; reads: () => number } {
  let watchers = 0
  let reads = 0
  const backend = changedStore(memoryBackend({ maxEvents: 100_000 }), (jobs) => ({
    watch(jobId, listener) {
      watchers += 1
      const unwatch = jobs.watch(jobId, listener)
      return () => {
        watchers -= 1
        unwatch()
      }
    },
    events(...args) {
      reads += 1
      return jobs.events(...args)
    },
  }))
  return { backend, watchers: () => watchers, reads: () => reads }
}

/** A job of one employee whose days are worked off one by one as the test says, and an API in front of it. */
async function slowJob(days = 400) {
  const { backend, watchers, reads } = watchedBackend()
  const clock = manualClock()
  const apiClock = manualClock()
  const gates = Array.from({ length: days }, gate)
  let begun = 0
  const behind = office({
    backend,
    clock,
    staff: ['e1'],
    progressIntervalMs: 0,
    block: { employees: 1, days: 1 },
    calculate: () => gates[begun++]?.pass(),
  })
  const { service } = behind
  const api = createRecalcApi(service, { authorize, clock: apiClock, heartbeatMs: 15_000 })
  const to = new Date(Date.UTC(2025, 0, days)).toISOString().slice(0, 10)
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-01-01', to })
  await settled()
  let done = 0
  return {
    ...behind,
    clock: apiClock,
    job,
    watchers,
    reads,
    /** Works off some more days. */
    async work(more: number) {
      for (const end = done + more; done < end; done++) {
        gates[done]?.open()
        await settled()
      }
    },
    async connect(lastEventId = 0) {
      const headers = { 'X-API-Key': KEYS.acme, 'Last-Event-ID': String(lastEventId) }
      const response = await api.fetch(new Request(`http://localhost${BASE}/stream/${job.id}`, { headers }))
      return clientOf(response)
    },
  }
}

function clientOf(response: Response) {
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  return {
    reader,
    /** What one read gives; `undefined` at the end. */
    async read(): Promise<string | undefined> {
      const { value, done } = await reader.read()
      return done ? undefined : decoder.decode(value)
    },
    /** Everything up to the end. */
    async rest(): Promise<string> {
      let text = ''
      for (;;) {
        const { value, done } = await reader.read()
        if (done) return text
        text += decoder.decode(value)
      }
    },
  }
}

function idsIn(text: string): readonly number[] {
  return [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))
}

async function storedEvents({ job }: Awaited<ReturnType<typeof slowJob>>): Promise<readonly JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of job.events()) events.push(event)
  return events
}

test('a silent stream says now and then that it is there, and only to a client that reads', async () => {
  const { clock, connect, watchers, work } = await slowJob(2)
  const client = await connect()
  expect(await client.read()).toContain('event: snapshot')
  expect(idsIn((await client.read()) ?? '')).toEqual([1, 2, 3, 4])
  const heartbeat = client.read()
  await settled()
  expect(clock.pending).toBe(1)
  await clock.advance(15_000)
  expect(await heartbeat).toBe(':\n\n')
  // Nobody asks for more now.
  expect(clock.pending).toBe(0)
  await clock.advance(600_000)
  expect(clock.pending).toBe(0)
  await client.reader.cancel()
  await settled()
  expect(watchers()).toBe(0)
  await work(2)
})

test('a client that is gone leaves nothing behind, whatever it was doing', async () => {
  const { clock, connect, watchers, work, job } = await slowJob(3)
  const untouched = await connect()
  const waiting = await connect()
  await waiting.read()
  await waiting.read()
  const never = waiting.read()
  const stalled = await connect()
  await stalled.read()
  await settled()
  expect([watchers(), clock.pending]).toEqual([1, 1])
  await waiting.reader.cancel()
  expect(await never).toBeUndefined()
  expect([watchers(), clock.pending]).toEqual([1, 0])
  await stalled.reader.cancel()
  await untouched.reader.cancel()
  await settled()
  expect([watchers(), clock.pending]).toEqual([0, 0])
  await work(3)
  expect((await job.result).status).toBe('completed')
})

test('a thousand clients of one job read it once', async () => {
  const scene = await slowJob(20)
  const { connect, reads, watchers, work } = scene
  const clients = await Promise.all(Array.from({ length: 1_000 }, () => connect(4)))
  const streams = clients.map((client) => client.rest())
  await settled()
  const before = reads()
  await work(20)
  const texts = await Promise.all(streams)
  expect(new Set(texts).size).toBe(1)
  expect(idsIn(texts[0] ?? '')).toEqual((await storedEvents(scene)).map(({ seq }) => seq).slice(4))
  expect(reads() - before).toBeLessThan(100)
  expect(watchers()).toBe(0)
})

test('a client that does not read for a while misses outdated progress and nothing else', async () => {
  const scene = await slowJob(300)
  const { clock, connect, failing, work } = scene
  failing.add('e1 2025-01-07')
  const client = await connect()
  await client.read()
  await client.read()
  await work(10)
  await clock.advance(60_000)
  await work(290)
  const text = await client.rest()
  const stored = await storedEvents(scene)
  const heard = idsIn(text)
  const told = stored.filter(({ seq }) => heard.includes(seq)).map(({ type }) => type)
  expect(told.filter((type) => type !== 'progress')).toEqual(['failure', 'completed'])
  expect(told.length).toBeLessThan(10)
  expect(heard).toEqual([...heard].sort((a, b) => a - b))
  const lastProgress = stored.filter(({ type }) => type === 'progress').at(-1)
  expect(heard).toContain(lastProgress?.seq)
  expect(text.trimEnd().split('\n\n').at(-1)).toContain('event: complete')
})

test('a client that reads at once hears all progress, and so does one that connects later', async () => {
  const scene = await slowJob(300)
  const { clock, connect, work } = scene
  const live = (await connect()).rest()
  await work(300)
  await clock.advance(60_000)
  const late = await (await connect()).rest()
  const stored = (await storedEvents(scene)).map(({ seq }) => seq)
  expect(idsIn(await live)).toEqual(stored)
  expect(idsIn(late)).toEqual(stored)
})

test('what had happened before a slow client connected is told in full', async () => {
  const scene = await slowJob(300)
  const { clock, connect, work } = scene
  await work(200)
  const client = await connect()
  const first = (await client.read()) ?? ''
  const known = /"last_seq":(\d+)/.exec(first)?.[1]
  await work(50)
  await clock.advance(60_000)
  await work(50)
  const heard = idsIn(await client.rest())
  const stored = (await storedEvents(scene)).map(({ seq }) => seq)
  expect(heard.slice(0, Number(known))).toEqual(stored.slice(0, Number(known)))
  expect(heard.length).toBeLessThan(stored.length)
})

test('an event is heard at once, whatever the stream was about to do when it happened', async () => {
  for (let turns = 0; turns < 60; turns++) {
    const release = Promise.withResolvers<void>()
    const at = new Date()
    async function* events(): AsyncGenerator<JobEvent, void> {
      await release.promise
      for (let turn = 0; turn < turns; turn++) await undefined
      yield { type: 'stage', seq: 1, jobId: 'j', at, stage: 1, name: 's', title: 's' }
      await new Promise(() => {})
    }
    const feeds = new JobFeeds(
      { openJob: async () => ({ events }) },
      { describeFailure: ({ message }) => message, logger: silentLogger },
    )
    const clock = manualClock()
    const place = { jobId: 'j', after: 0, lastSeq: 0, opening: Buffer.from(':\n\n') }
    const access = { tenants: '*', actions: '*' } as const
    const permission = new Permission({ access, renew: async () => access, renewMs: 15_000, clock })
    const stream = eventStream({ ...place, feeds, permission, clock, heartbeatMs: 15_000, logger: silentLogger })
    const { read } = clientOf(new Response(stream))
    await read()
    release.resolve()
    const heard = read()
    await settled()
    // A heartbeat would come to the rescue, late.
    expect([turns, clock.pending]).toEqual([turns, 0])
    expect(await heard).toContain('id: 1')
  }
})

test('a client so far behind that the feed no longer holds what it lacks gets it from the store', async () => {
  const scene = await slowJob(1_000)
  const { connect, work } = scene
  const ahead = (await connect()).rest()
  const behind = await connect()
  let text = ((await behind.read()) ?? '') + ((await behind.read()) ?? '')
  await work(700)
  for (let i = 0; i < 3; i++) text += (await behind.read()) ?? ''
  await work(300)
  text += await behind.rest()
  const stored = (await storedEvents(scene)).map(({ seq }) => seq)
  expect(idsIn(text)).toEqual(stored)
  expect(idsIn(await ahead)).toEqual(stored)
})
