import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { type JobEvent, NotResumableError, type RecalcService } from 'recalc-service'
import { createRecalcApi, type RecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { office } from '../../jobs/support/office.ts'
import { fc } from '../../support/fc.ts'
import { runs } from '../../support/runs.ts'
import { seed } from '../../support/seed.ts'
import { settled } from '../../support/settled.ts'
import { ALL, apiUnderTest, authorize, KEYS } from '../support/api-under-test.ts'
import { BASE } from '../support/server.ts'
import { turnstile } from './support/turnstile.ts'

const eager = { progressIntervalMs: 0, block: { employees: 1, days: 1 } } as const

async function storedEvents(service: RecalcService<undefined>, jobId: string): Promise<readonly JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of (await service.openJob(jobId)).events()) events.push(event)
  return events
}

/** How a client says where it was. A query is what it began with, and may be out of date beside a header. */
type Cursor = 'header' | 'query' | 'both'

function requestFrom(jobId: string, after: number, how: Cursor): Request {
  const query = how === 'header' || after === 0 ? '' : `?last_event_id=${how === 'both' ? after - 1 : after}`
  return new Request(`http://localhost${BASE}/stream/${jobId}${query}`, {
    headers: { 'X-API-Key': KEYS.acme, ...(how !== 'query' && after > 0 && { 'Last-Event-ID': String(after) }) },
  })
}

/** What a client hears that is cut off after so many bytes, or when nothing comes any more; `undefined`: nothing is left. */
async function heardOf(api: RecalcApi, request: Request, bytes: number): Promise<EventSourceMessage[] | undefined> {
  const response = await api.fetch(request)
  if (response.status === 204) return undefined
  const heard: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (message) => heard.push(message) })
  const decoder = new TextDecoder()
  const reader = response.body!.getReader()
  for (let left = bytes; left > 0; ) {
    const read = await Promise.race([reader.read(), settled()])
    if (!read || read.done) break
    parser.feed(decoder.decode(read.value.subarray(0, left), { stream: true }))
    left -= read.value.length
  }
  await reader.cancel()
  return heard
}

const step = fc.record({
  /** Days that are worked off before the client comes back. */
  work: fc.nat(4),
  act: fc.oneof(
    { weight: 4, arbitrary: fc.constant('none' as const) },
    { weight: 1, arbitrary: fc.constantFrom('cancel', 'resume') },
  ),
  bytes: fc.oneof(fc.nat(100), fc.nat(4_000), fc.constant(Number.POSITIVE_INFINITY)),
  how: fc.constantFrom<Cursor>('header', 'query', 'both'),
})

test('however often a client is cut off, even within a frame, it hears every event once and in order', async () => {
  const scene = fc.asyncProperty(
    fc.array(step, { maxLength: 14 }),
    fc.subarray([1, 2, 3, 4, 5, 6]),
    async (steps, sick) => {
      const { pass, admit } = turnstile()
      const { service, clock, failing } = office({ ...eager, calculate: pass })
      for (const day of sick) failing.add(`e1 2025-01-0${day}`)
      const api = createRecalcApi(service, { authorize, clock })
      const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-06' })
      const heard: number[] = []
      const listen = async (bytes: number, how: Cursor): Promise<boolean> => {
        const messages = await heardOf(api, requestFrom(job.id, heard.at(-1) ?? 0, how), bytes)
        const [snapshot, ...events] = messages ?? []
        if (snapshot) expect([snapshot.event, snapshot.id]).toEqual(['snapshot', undefined])
        for (const { id } of events) heard.push(Number(id))
        return messages !== undefined
      }
      for (const { work, act, bytes, how } of steps) {
        admit(work)
        if (act === 'cancel') await job.cancel()
        if (act === 'resume') {
          await service.resumeJob(job.id).catch((error: unknown) => expect(error).toBeInstanceOf(NotResumableError))
        }
        await settled()
        await listen(bytes, how)
      }
      admit(1_000)
      while (await listen(Number.POSITIVE_INFINITY, 'header'));
      const stored = await storedEvents(service, job.id)
      expect(heard).toEqual(stored.map(({ seq }) => seq))
      expect(heard).toEqual(heard.map((_, i) => i + 1))
      await service.stop()
    },
  )
  await fc.assert(scene, { numRuns: runs(40, 400), seed })
})

test.each<Cursor>(['header', 'query', 'both'])(
  'a client that is cut off after every single event of a cancelled and resumed job misses nothing, by %s',
  async (how) => {
    const { pass, admit } = turnstile()
    const { client, service, failing } = await apiUnderTest({ ...eager, calculate: pass })
    failing.add('e2 2025-01-01')
    const { body: started } = await client.post('/', ALL)
    const jobId: string = started.job_id
    const heard: { readonly seq: number; readonly type: string }[] = []
    const hearOne = async () => {
      const after = heard.at(-1)?.seq ?? 0
      const query = how === 'header' || after === 0 ? '' : `?last_event_id=${how === 'both' ? after - 1 : after}`
      const cursor = { query, ...(how !== 'query' && after > 0 && { lastEventId: after }) }
      for await (const { event, id, value } of client.stream(jobId, cursor)) {
        if (event === 'snapshot') continue
        expect(Number(id)).toBe(value.seq)
        heard.push(value)
        return
      }
    }
    const hearUntil = async (type: string) => {
      while (heard.at(-1)?.type !== type) {
        admit(1)
        await hearOne()
      }
    }
    await hearUntil('progress')
    await client.post(`/cancel/${jobId}`)
    await hearUntil('cancelled')
    await client.post(`/resume/${jobId}`)
    await hearUntil('completed')
    const stored = await storedEvents(service, jobId)
    expect(heard.map(({ seq, type }) => [seq, type])).toEqual(stored.map(({ seq, type }) => [seq, type]))
  },
)
