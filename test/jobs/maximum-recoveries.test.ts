import { memoryBackend, type RecalcBackend, tenantStage } from 'recalc-service'
import { type ManualClock, manualClock } from 'recalc-service/testing'
import { expect, test } from 'vitest'
import { mortal } from './support/mortal.ts'
import { eventsOf, office, RANGE, TENANT } from './support/office.ts'

const REQUEST = { ...RANGE, employeeId: 'e1' }

/** A process that dies as soon as it calculates a day, or runs a tenant stage, that `kills` names. */
function process(
  jobs: RecalcBackend<undefined>['jobs'],
  clock: ManualClock,
  options: { readonly kills: (what: string) => boolean; readonly maxRecoveries?: number; readonly stages?: boolean },
) {
  const dead = { now: false }
  const runs: string[] = []
  const meet = async (what: string) => {
    runs.push(what)
    if (!options.kills(what)) return
    dead.now = true
    await new Promise(() => {})
  }
  const tenant = (name: string) => tenantStage<undefined>({ name, writes: [name], run: () => meet(name) })
  const one = office({
    clock,
    backend: mortal({ jobs, unitOfWork: memoryBackend().unitOfWork }, dead),
    calculate: meet,
    ...(options.maxRecoveries !== undefined && { maxRecoveries: options.maxRecoveries }),
    ...(options.stages && { stages: [tenant('totals'), tenant('ranks')] }),
  })
  return { ...one, runs }
}

/** The next process takes the job up from the last one, which has died. */
async function takeOver(...args: Parameters<typeof process>) {
  const [, clock] = args
  await clock.advance(30_000)
  const next = process(...args)
  await next.service.start()
  await clock.advance(0)
  return next
}

test('a job that kills its process each time ends failed after five takeovers, and says so', async () => {
  const clock = manualClock()
  const { jobs } = memoryBackend()
  const kills = () => true
  const job = await process(jobs, clock, { kills }).service.triggerRecalcRangeAsync(REQUEST)
  await clock.advance(0)
  for (let takeover = 1; takeover <= 5; takeover++) {
    const { calculated } = await takeOver(jobs, clock, { kills })
    expect(calculated, `takeover ${takeover}`).toEqual(['e1 2025-01-01'])
    expect(await jobs.get(job.id)).toMatchObject({ status: 'running', recoveries: takeover })
  }
  const last = await takeOver(jobs, clock, { kills })
  expect(last.calculated).toEqual([])
  const end = await last.service.getJob(job.id)
  expect(end).toMatchObject({ status: 'failed', result: { error: { code: 'RECOVERY_LIMIT' } } })
  expect((await eventsOf(await last.service.openJob(job.id))).at(-1)).toMatchObject({ type: 'failed' })
  await clock.advance(300_000)
  expect(await jobs.get(job.id)).toMatchObject({ status: 'failed' })
  // Somebody has looked into it: it begins to count anew.
  const { service } = office({ clock, backend: { jobs, unitOfWork: memoryBackend().unitOfWork } })
  expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed', processedDays: 3 })
})

test('a step forward begins the count anew', async () => {
  const clock = manualClock()
  const { jobs } = memoryBackend()
  const at = (day: string) => ({ kills: (what: string) => what === `e1 2025-01-0${day}`, maxRecoveries: 1 })
  const job = await process(jobs, clock, at('1')).service.triggerRecalcRangeAsync(REQUEST)
  await clock.advance(0)
  for (const [day, recoveries] of [
    ['1', 1],
    ['2', 2],
  ] as const) {
    await takeOver(jobs, clock, { ...at(day), maxRecoveries: 9 })
    expect(await jobs.get(job.id)).toMatchObject({ status: 'running', recoveries })
  }
  // The day before was done meanwhile.
  await takeOver(jobs, clock, at('2'))
  expect(await jobs.get(job.id)).toMatchObject({ status: 'running', recoveries: 0 })
  await takeOver(jobs, clock, at('2'))
  expect(await jobs.get(job.id)).toMatchObject({ status: 'running', recoveries: 1 })
  await takeOver(jobs, clock, at('2'))
  expect(await jobs.get(job.id)).toMatchObject({ status: 'failed' })
})

test('a tenant stage that is done is a step forward, one that is begun is none', async () => {
  const clock = manualClock()
  const { jobs } = memoryBackend()
  const at = (stage: string) => ({ kills: (what: string) => what === stage, stages: true, maxRecoveries: 1 })
  const job = await process(jobs, clock, at('totals')).service.triggerRecalcAllAsync({ ...RANGE, tenantId: TENANT })
  await clock.advance(0)
  await takeOver(jobs, clock, at('ranks'))
  expect(await jobs.get(job.id)).toMatchObject({ recoveries: 1 })
  expect((await takeOver(jobs, clock, at('ranks'))).runs).toEqual(['ranks'])
  expect(await jobs.get(job.id)).toMatchObject({ recoveries: 0 })
  await takeOver(jobs, clock, at('ranks'))
  expect(await jobs.get(job.id)).toMatchObject({ status: 'running', recoveries: 1 })
  await takeOver(jobs, clock, at('ranks'))
  expect(await jobs.get(job.id)).toMatchObject({ status: 'failed' })
})

test('a job that kills its process before anything of its run is stored ends failed as well', async () => {
  const clock = manualClock()
  const { jobs } = memoryBackend()
  const kills = () => true
  const unheard = new Proxy(jobs, {
    get: (store, name) =>
      name === 'append' ? () => new Promise(() => {}) : Reflect.get(store, name, store).bind(store),
  })
  const job = await process(unheard, clock, { kills, maxRecoveries: 2 }).service.triggerRecalcRangeAsync(REQUEST)
  await clock.advance(0)
  for (let takeover = 1; takeover <= 2; takeover++) {
    await takeOver(unheard, clock, { kills, maxRecoveries: 2 })
    expect(await jobs.get(job.id)).toMatchObject({ runs: 0, recoveries: takeover })
  }
  await takeOver(jobs, clock, { kills, maxRecoveries: 2 })
  expect(await jobs.get(job.id)).toMatchObject({ status: 'failed', result: { error: { code: 'RECOVERY_LIMIT' } } })
})
