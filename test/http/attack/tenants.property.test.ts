import { createRecalcApi, type RecalcApi } from 'recalc-service/http'
import { manualClock } from 'recalc-service/testing'
import { beforeEach, expect, test, vi } from 'vitest'
import { type Office, office } from '../../jobs/support/office.ts'
import { fc } from '../../support/fc.ts'
import { runs } from '../../support/runs.ts'
import { seed } from '../../support/seed.ts'
import { settled } from '../../support/settled.ts'
import { authorize, KEYS } from '../support/api-under-test.ts'
import { BASE } from '../support/server.ts'

const RANGE = { start_date: '2025-01-01', end_date: '2025-01-02' } as const
const SECRET = 'globex-secret'

/** A job that a request is about: one of its caller's own, in the order of their starts, or one of the other tenant's. */
type Target = { readonly whose: 'acme' | 'globex'; readonly number: number } | { readonly whose: 'nobody' }

/** What somebody does over HTTP. */
interface Deed {
  readonly method: 'GET' | 'POST'
  /** `ID` stands for the target's. */
  readonly path: string
  readonly json?: object
  readonly target: Target
  readonly key?: string
}

const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ whose: fc.constantFrom('acme', 'globex'), number: fc.nat(3) }),
  fc.constant({ whose: 'nobody' } as const),
)
const tenant = fc.oneof({ weight: 4, arbitrary: fc.constant('acme') }, fc.constantFrom('globex', 'nobody'))
const key = fc.option(fc.constantFrom('k1', 'k2', 'k3'), { nil: undefined })
const nobody = fc.constant<Target>({ whose: 'nobody' })

function deedsOf(tenantOf: fc.Arbitrary<string>): fc.Arbitrary<Deed> {
  const days = fc.record({ tenant_id: tenantOf, employee_ids: fc.constantFrom(undefined, ['e1'], ['e1', 'e2'], []) })
  const body = days.map((json) => ({ ...json, ...RANGE }))
  const day = tenantOf.map((tenant_id) => ({ tenant_id, employee_id: 'e1', date: '2025-01-01' }))
  const ofJob = fc.constantFrom<readonly [Deed['method'], string]>(
    ...(['status', 'errors', 'employees', 'stream'] as const).map((name) => ['GET', `/${name}/ID`] as const),
    ['GET', '/employees/ID?after=e1'],
    ['GET', '/stream/ID?last_event_id=3'],
    ['POST', '/cancel/ID'],
    ['POST', '/resume/ID'],
  )
  const list = fc
    .tuple(fc.constantFrom('', '&after=ID', '&after=ID'), fc.option(tenantOf), fc.constantFrom('', '&status=completed'))
    .map(([after, tenant_id, status]) => `/jobs?limit=2${after}${status}${tenant_id ? `&tenant_id=${tenant_id}` : ''}`)
  const start = fc.record({
    method: fc.constant('POST' as const),
    path: fc.constant('/'),
    json: body,
    key,
    target: nobody,
  })
  return fc.oneof(
    { weight: 3, arbitrary: start as fc.Arbitrary<Deed> },
    { weight: 6, arbitrary: fc.tuple(ofJob, target).map(([[method, path], target]) => ({ method, path, target })) },
    {
      weight: 2,
      arbitrary: fc.tuple(list, target).map(([path, target]) => ({ method: 'GET', path, target }) as const),
    },
    body.map((json) => ({ method: 'POST', path: '/estimate', json, target: { whose: 'nobody' } }) as const),
    day.map((json) => ({ method: 'POST', path: '/day', json, target: { whose: 'nobody' } }) as const),
    tenantOf.map(
      (tenant_id) => ({ method: 'POST', path: '/settle', json: { tenant_id }, target: { whose: 'nobody' } }) as const,
    ),
    tenantOf.map(
      (tenant_id) => ({ method: 'GET', path: `/dirty?tenant_id=${tenant_id}`, target: { whose: 'nobody' } }) as const,
    ),
    fc.constant({ method: 'GET', path: '/freshness', target: { whose: 'nobody' } } as const),
    fc.constant({ method: 'GET', path: '/me', target: { whose: 'nobody' } } as const),
  )
}

type Step = { readonly who: 'acme' | 'globex'; readonly deed: Deed } | { readonly who: 'time'; readonly ms: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ who: fc.constant('acme' as const), deed: deedsOf(tenant) }) },
  {
    weight: 3,
    arbitrary: fc.record({ who: fc.constant('globex' as const), deed: deedsOf(fc.constant('globex')) }),
  },
  { weight: 1, arbitrary: fc.record({ who: fc.constant('time' as const), ms: fc.constantFrom(1, 5_000, 60_000) }) },
)

// How often a run yields to the event loop is a matter of real time, and the one thing in which two worlds may differ.
beforeEach(() => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  return () => now.mockRestore()
})

interface Seen {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly text: string
}

/** A service of its own with a manual clock, where the jobs of each tenant are known. */
class World {
  readonly office: Office
  readonly api: RecalcApi
  readonly jobs: Record<'acme' | 'globex', string[]> = { acme: [], globex: [] }

  constructor(exclusive: 'none' | 'tenant' | 'global') {
    const clock = manualClock()
    this.office = office({ exclusive, clock, concurrency: 50, calculate: (day) => this.#calculate(day) })
    this.office.failing.add('e1 2025-01-02')
    this.api = createRecalcApi(this.office.service, { authorize, clock, cooldownMs: 3_000 })
  }

  // Half a second a day: some jobs are still at it when the next request comes.
  async #calculate(_day: string): Promise<void> {
    await new Promise<void>((resolve) => this.office.clock.setTimeout(resolve, 500))
  }

  /** What an answer says, the ids of jobs that the caller started replaced by their numbers. */
  async ask(who: 'acme' | 'globex', deed: Deed, id: string): Promise<Seen> {
    const response = await this.api.fetch(
      new Request(`http://localhost${BASE}${deed.path.replace('ID', id)}`, {
        method: deed.method,
        headers: {
          'X-API-Key': KEYS[who],
          'Content-Type': 'application/json',
          ...(deed.key !== undefined && { 'Idempotency-Key': deed.key }),
        },
        ...(deed.json && { body: JSON.stringify({ ...deed.json, ...(who === 'globex' && { reason: SECRET }) }) }),
      } as RequestInit),
    )
    const text = await textOf(response)
    if (response.status === 201) {
      const { job_id } = JSON.parse(text) as { readonly job_id: string }
      if (!this.jobs[who].includes(job_id)) this.jobs[who].push(job_id)
    }
    return { status: response.status, headers: [...response.headers], text }
  }

  /** Without what differs from world to world by chance. */
  neutral({ status, headers, text }: Seen): Seen {
    const named = (value: string) =>
      this.jobs.acme.reduce((named, id, number) => named.replaceAll(id, `<job ${number}>`), value)
    return { status, headers: headers.map(([name, value]) => [name, named(value)]), text: named(text) }
  }

  /** What a request may have done to the other tenant's jobs; how far they are is a matter of time. */
  async othersJobs(): Promise<readonly object[]> {
    const jobs = await Promise.all(this.jobs.globex.map((id) => this.office.service.getJob(id)))
    return jobs.map(({ id, cancelRequested, runs, reason }) => ({ id, cancelRequested, runs, reason }))
  }
}

/** All of an answer, or as much as comes by itself. */
async function textOf(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    return await response.text()
  }
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const read = await Promise.race([reader.read(), settled()])
    if (!read || read.done) break
    text += decoder.decode(read.value, { stream: true })
  }
  await reader.cancel()
  return text
}

function idOf(world: World, target: Target): string {
  return (target.whose === 'nobody' ? undefined : world.jobs[target.whose][target.number]) ?? 'no-such-job'
}

/** Asks in a world where time passes while nobody answers. */
async function answered(world: World, asked: Promise<Seen>): Promise<Seen> {
  for (;;) {
    for (let turn = 0; turn < 10; turn++) {
      const seen = await Promise.race([asked, settled()])
      if (seen) return seen
    }
    await world.office.clock.advance(500)
  }
}

const scene = (exclusive: 'none' | 'tenant' | 'global', steps: fc.Arbitrary<Step[]>) =>
  fc.asyncProperty(steps, async (steps) => {
    const alone = new World(exclusive)
    const shared = new World(exclusive)
    for (const step of steps) {
      if (step.who === 'time') {
        await Promise.all([alone, shared].map((world) => world.office.clock.advance(step.ms)))
        continue
      }
      const { who, deed } = step
      if (who === 'globex') {
        // A synchronous day would let time pass in one world only.
        if (deed.path !== '/day') await shared.ask('globex', deed, idOf(shared, deed.target))
        await settled()
        continue
      }
      // Where the other tenant's job is asked for, its very id is, also where it never was.
      const idIn = (world: World) => idOf(deed.target.whose === 'globex' ? shared : world, deed.target)
      const before = await shared.othersJobs()
      const seen = await answered(shared, shared.ask('acme', deed, idIn(shared)))
      const seenAlone = await answered(alone, alone.ask('acme', deed, idIn(alone)))
      expect(await shared.othersJobs()).toEqual(before)
      for (const secret of [SECRET, ...shared.jobs.globex]) expect(JSON.stringify(seen)).not.toContain(secret)
      if (exclusive === 'global') continue
      expect(alone.office.clock.now()).toBe(shared.office.clock.now())
      expect(shared.neutral(seen)).toEqual(alone.neutral(seenAlone))
    }
    await Promise.all([alone, shared].map(stopped))
  })

async function stopped(world: World): Promise<void> {
  const stopping = world.office.service.stop()
  for (let done = false; !done; ) {
    done = await Promise.race([stopping.then(() => true), settled().then(() => false)])
    if (!done) await world.office.clock.advance(500)
  }
}

const steps = fc.array(step, { minLength: 4, maxLength: 25 })

test.each(['none', 'tenant'] as const)(
  'with exclusive %s every answer to one tenant is the same, byte for byte, whatever another one does',
  async (exclusive) => {
    await fc.assert(scene(exclusive, steps), { numRuns: runs(25, 300), seed })
  },
)

test('with exclusive global, where one tenant has to wait for another, no answer says whom for', async () => {
  await fc.assert(scene('global', steps), { numRuns: runs(20, 200), seed })
})
