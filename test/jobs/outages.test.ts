import { memoryBackend, type RecalcBackend } from 'recalc-service'
import { expect, test } from 'vitest'
import { changedStore } from './support/changed-store.ts'
import { eventsOf, office, RANGE, typesOf } from './support/office.ts'

/** A backend whose database can be away: then neither units of work nor the job store's writes succeed. */
function awayNowAndThen() {
  const lost = Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
  const state = { away: false, storeToo: false }
  const { jobs, unitOfWork }: RecalcBackend<undefined> = memoryBackend()
  const flaky = {
    ...unitOfWork,
    run: <T>(work: (tx: undefined) => Promise<T>) => (state.away ? Promise.reject(lost) : unitOfWork.run(work)),
    isTransient: (error: unknown) => error === lost,
  }
  const refused = () => state.away && state.storeToo
  const backend = changedStore({ jobs, unitOfWork: flaky }, (whole) => ({
    append: (...write) => (refused() ? Promise.reject(lost) : whole.append(...write)),
    renew: (...request) => (refused() ? Promise.reject(lost) : whole.renew(...request)),
    claim: (...request) => (refused() ? Promise.reject(lost) : whole.claim(...request)),
    listAbandoned: (query) => (refused() ? Promise.reject(lost) : whole.listAbandoned(query)),
  }))
  return { backend, state }
}

test('a database that stays away leaves a job interrupted, never failed, and tells why', async () => {
  const { backend, state } = awayNowAndThen()
  const { service, clock } = office({ backend })
  state.away = true
  const job = await service.triggerRecalcAllAsync(RANGE)
  await clock.advance(10_000)
  expect(await job.result).toMatchObject({ status: 'interrupted', error: { code: 'BACKEND_UNAVAILABLE' } })
  const events = await eventsOf(job)
  expect(typesOf(events).filter((type) => type === 'retry')).toHaveLength(2)
  expect(events.at(-1)).toMatchObject({ type: 'interrupted', result: { error: { code: 'BACKEND_UNAVAILABLE' } } })
  await service.stop()
})

test.for([
  ['for units of work alone', 1_000, false],
  ['for units of work alone', 3_000, false],
  ['for units of work alone', 100_000, false],
  ['for everything', 1_000, true],
  ['for everything', 8_000, true],
  ['for everything', 100_000, true],
] as const)(
  "a job whose database is away %s, for %i ms, is completed without anybody's help",
  async ([, awayMs, storeToo]) => {
    const { backend, state } = awayNowAndThen()
    const { service, clock, calculated } = office({
      backend,
      calculate: async (day) => {
        if (day !== 'e1 2025-01-02' || state.away || calculated.filter((one) => one === day).length > 1) return
        Object.assign(state, { away: true, storeToo })
      },
    })
    await service.start()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await clock.advance(awayMs)
    state.away = false
    await clock.advance(200_000)
    expect(await job.snapshot()).toMatchObject({ status: 'completed', processedDays: 6, totalDays: 6, failedDays: 0 })
    const events = await eventsOf(await service.openJob(job.id))
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
    expect(typesOf(events)).not.toContain('failed')
    await service.stop()
  },
)

test('a job that its database does not let run is tried again with growing pauses, up to a limit', async () => {
  const { backend, state } = awayNowAndThen()
  const takenUpAt: number[] = []
  const watched = changedStore(backend, (whole) => ({
    async claim(jobId, request) {
      takenUpAt.push(request.now)
      return await whole.claim(jobId, request)
    },
  }))
  const { service, clock } = office({ backend: watched, leaseMs: 30_000 })
  await service.start()
  state.away = true
  const job = await service.triggerRecalcAllAsync(RANGE)
  await clock.advance(3_600_000)
  const pauses = takenUpAt.slice(1).map((at, i) => at - takenUpAt[i]!)
  expect(pauses.length).toBeGreaterThan(6)
  for (const [i, pause] of pauses.entries()) {
    // Each try takes a little while, too.
    expect(pause).toBeGreaterThan((pauses[i - 1] ?? 0) - 1_000)
    expect(pause).toBeLessThanOrEqual(33 * 10_000)
  }
  expect(pauses[0]).toBeLessThanOrEqual(20_000)
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(32 * 10_000)
  state.away = false
  await clock.advance(400_000)
  expect(await job.snapshot()).toMatchObject({ status: 'completed', processedDays: 6 })
  await service.stop()
})
