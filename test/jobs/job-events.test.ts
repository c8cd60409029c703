import { memoryBackend, type ProgressEvent, tenantStage } from 'recalc-service'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { eventsOf, office, RANGE, TENANT, typesOf } from './support/office.ts'

describe('the events of a small job', () => {
  test('are queued, started, stage, progress at both ends, completed', async () => {
    const { service } = office()
    const job = await service.triggerRecalcAllAsync(RANGE, { reason: 'new rules' })
    const events = await eventsOf(job)
    expect(typesOf(events)).toEqual(['queued', 'started', 'stage', 'progress', 'progress', 'completed'])
    const stages = [{ number: 1, name: 'dailyCalc', title: 'Recalculating days' }]
    const [queued, started, stage, first, last, completed] = events
    expect(queued).toMatchObject({ ...RANGE, reason: 'new rules' })
    expect(started).toMatchObject({ stages })
    expect(stage).toMatchObject({ stage: 1, name: 'dailyCalc', title: 'Recalculating days' })
    expect(first).toMatchObject({ progress: 0, current: 0, total: 6, stage: 1, employeeId: null, remainingMs: null })
    expect(last).toMatchObject({
      progress: 1,
      current: 6,
      total: 6,
      stage: 1,
      employeeId: 'e2',
      employeeName: 'Employee e2',
    })
    expect(completed).toMatchObject({ result: await job.result })
  })

  test('are numbered 1, 2, 3, carry the id and the time, and end with the terminal one', async () => {
    const { service, clock } = office({ progressIntervalMs: 0, calculate: () => clock.advance(10) })
    const job = await service.triggerRecalcAllAsync(RANGE)
    const events = await eventsOf(job)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
    expect(events.every(({ jobId }) => jobId === job.id)).toBe(true)
    const times = events.map(({ at }) => at.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(events.at(-1)?.type).toBe('completed')
    expect((await job.snapshot()).lastSeq).toBe(events.length)
  })

  test('name the days that failed, one event each', async () => {
    const { service, failing } = office()
    failing.add('e1 2025-01-02').add('e2 2025-01-03')
    const job = await service.triggerRecalcAllAsync(RANGE)
    const events = await eventsOf(job)
    expect(typesOf(events)).toEqual([
      ...['queued', 'started', 'stage', 'progress'],
      ...['failure', 'failure', 'progress', 'completed'],
    ])
    expect(events[4]).toMatchObject({
      employeeId: 'e1',
      date: '2025-01-02',
      stage: 'dailyCalc',
      code: 'RangeError',
      message: 'no hours for e1 2025-01-02',
      attempts: 1,
    })
    expect(await job.result).toMatchObject({
      status: 'completed_with_errors',
      processedDays: 4,
      failedDays: 2,
      errorCount: 2,
    })
  })

  test('tell what is tried again, and when', async () => {
    const { unitOfWork, jobs } = memoryBackend()
    const lost = Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
    let tries = 0
    const backend = { jobs, unitOfWork: { ...unitOfWork, isTransient: (error: unknown) => error === lost } }
    const { service, clock } = office({
      backend,
      staff: ['e1'],
      calculate: () => {
        tries += 1
        if (tries <= 2) throw lost
      },
      retry: { attempts: 3, minDelayMs: 100, maxDelayMs: 100 },
    })
    const job = await service.triggerRecalcAllAsync({ ...RANGE, to: RANGE.from })
    await clock.advance(1_000)
    const events = await eventsOf(job)
    expect(typesOf(events)).toEqual([
      ...['queued', 'started', 'stage', 'progress'],
      ...['retry', 'retry', 'progress', 'completed'],
    ])
    const retries = events.filter((event) => event.type === 'retry')
    const told = { stage: 'dailyCalc', code: 'ECONNRESET', message: 'connection lost' }
    expect(retries).toMatchObject([
      { ...told, attempt: 1 },
      { ...told, attempt: 2 },
    ])
    for (const { delayMs } of retries) expect(delayMs).toBeGreaterThanOrEqual(50)
  })

  test('announce every tenant stage after the pass, and its failure', async () => {
    const stage = (name: string, run: () => Promise<void>) =>
      tenantStage<undefined>({ name, title: `Doing ${name}`, writes: [name], run })
    const { service } = office({
      stages: [stage('totals', async () => {}), stage('ranks', () => Promise.reject(new TypeError('no ranks')))],
    })
    const job = await service.triggerRecalcAllAsync(RANGE)
    const events = await eventsOf(job)
    expect(typesOf(events)).toEqual([
      ...['queued', 'started', 'stage', 'progress', 'stage', 'failure', 'progress', 'completed'],
    ])
    expect(events[2]).toMatchObject({ stage: 1, name: 'totals', title: 'Doing totals' })
    expect(events[4]).toMatchObject({ stage: 2, name: 'ranks' })
    expect(events[5]).toMatchObject({ employeeId: null, date: null, stage: 'ranks', code: 'TypeError' })
    expect(events.at(-1)).toMatchObject({ result: { status: 'completed_with_errors', errorCount: 1 } })
  })

  test('of a job with nobody to recalculate say so', async () => {
    const { service, calculated } = office()
    const job = await service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: [] })
    expect(typesOf(await eventsOf(job))).toEqual(['queued', 'started', 'progress', 'completed'])
    expect(await job.result).toMatchObject({ status: 'completed', totalDays: 0 })
    expect(calculated).toEqual([])
  })

  test('of a job that stops at its first failed day end with failed', async () => {
    const { service, failing, calculated } = office()
    failing.add('e1 2025-01-02')
    const job = await service.triggerRecalcAllAsync(RANGE, { onError: 'fail-fast' })
    const events = await eventsOf(job)
    expect(typesOf(events)).toEqual([
      ...['queued', 'started', 'stage', 'progress'],
      ...['failure', 'progress', 'failed'],
    ])
    expect(await job.result).toMatchObject({ status: 'failed', processedDays: 1, failedDays: 1 })
    expect(calculated).toHaveLength(2)
  })

  test('of a job whose employees cannot be listed end with failed and its reason', async () => {
    const employees = { listEmployees: () => Promise.reject(new TypeError('no such table')) }
    const { service } = office({ employees })
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(typesOf(await eventsOf(job)).at(-1)).toBe('failed')
    const error = { code: 'TypeError', message: 'no such table' }
    expect(await job.result).toMatchObject({ status: 'failed', error })
  })
})

test('progress is told at most once per interval, never falls and adds up', async () => {
  const { service, clock, failing } = office({
    staff: Array.from({ length: 20 }, (_, i) => `e${10 + i}`),
    progressIntervalMs: 250,
    calculate: () => clock.advance(20),
  })
  failing.add('e12 2025-01-02').add('e15 2025-01-01')
  const job = await service.triggerRecalcAllAsync(RANGE)
  const progress = (await eventsOf(job)).filter((event): event is ProgressEvent => event.type === 'progress')
  expect(progress.length).toBeGreaterThan(4)
  const between = progress.slice(0, -1)
  for (const [i, event] of between.entries()) {
    const before = between[i - 1]
    if (before) expect(+event.at - +before.at).toBeGreaterThanOrEqual(250)
  }
  for (const [i, event] of progress.entries()) {
    const before = progress[i - 1] ?? { progress: 0, current: 0, elapsedMs: 0 }
    expect(event.progress).toBeGreaterThanOrEqual(before.progress)
    expect(event.current).toBeGreaterThanOrEqual(before.current)
    expect(event.current).toBe(event.processedDays + event.skippedDays + event.failedDays)
    expect(event.total).toBe(60)
    // The day in flight is not done yet.
    expect(event.elapsedMs - event.current * 20).toBeGreaterThanOrEqual(0)
    expect(event.elapsedMs - event.current * 20).toBeLessThanOrEqual(20)
  }
  expect(progress[0]).toMatchObject({ progress: 0, remainingMs: null })
  expect(progress.at(-1)).toMatchObject({ progress: 1, remainingMs: 0, failedDays: 2, elapsedMs: 1_200 })
  const middle = progress[2]!
  expect(middle.remainingMs).toBe(Math.round((middle.elapsedMs * (1 - middle.progress)) / middle.progress))
})

test('the result, the terminal event and the snapshot agree', async () => {
  const { service, failing } = office()
  failing.add('e2 2025-01-01')
  const job = await service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e2' }, { reason: 'why' })
  const result = await job.result
  const snapshot = await job.snapshot()
  expect((await eventsOf(job)).at(-1)).toMatchObject({ result })
  expect(snapshot).toMatchObject({
    id: job.id,
    status: 'completed_with_errors',
    kind: 'range',
    tenantId: TENANT,
    reason: 'why',
    runs: 1,
    stage: 1,
    progress: 1,
    cancelRequested: false,
    totalDays: 3,
    processedDays: 2,
    failedDays: 1,
    result,
  })
  expect(snapshot.finishedAt).toEqual(result.finishedAt)
  expect(snapshot.startedAt).toEqual(result.startedAt)
  expect(Object.keys(snapshot)).not.toContain('plan')
  expect(await service.getJob(job.id)).toEqual(snapshot)
})

test('the result lists only the first failures, in order, and counts all', async () => {
  const { service, failing } = office({ maxErrorsKept: 2 })
  for (const day of ['01', '02', '03']) failing.add(`e1 2025-01-${day}`)
  const { errors, errorCount, failedDays } = await (await service.triggerRecalcAllAsync(RANGE)).result
  expect(errors.map(({ date }) => date)).toEqual(['2025-01-01', '2025-01-02'])
  expect({ errorCount, failedDays }).toEqual({ errorCount: 3, failedDays: 3 })
  expect(Object.keys(errors[0]!)).not.toContain('number')
})

test('the snapshot tells when the run began, and for how long it may still go on as the last progress had it', async () => {
  const doors = [gate(), gate()]
  const calculate = async (day: string) => {
    await clock.advance(1_000)
    if (day === 'e1 2025-01-03') await doors[0]!.pass()
    if (day === 'e2 2025-01-03') await doors[1]!.pass()
  }
  const { service, clock, failing } = office({ calculate, progressIntervalMs: 0 })
  failing.add('e2 2025-01-03')
  const began = new Date(clock.now())
  const job = await service.triggerRecalcAllAsync(RANGE)
  await doors[0]!.arrived
  const progress = async () => (await service.getJob(job.id)).remainingMs
  // Two of six days took three seconds, this one's included.
  const told: (number | null)[] = []
  job.on('progress', ({ remainingMs }) => told.push(remainingMs))
  expect(await job.snapshot()).toMatchObject({ runStartedAt: began, startedAt: began, remainingMs: 4_000 })
  doors[0]!.open()
  await doors[1]!.arrived
  expect(await progress()).toBe(told.at(-1))
  expect(await progress()).toBe(1_000)
  doors[1]!.open()
  await job.result
  expect(await job.snapshot()).toMatchObject({ runStartedAt: began, remainingMs: null })
  failing.clear()
  await clock.advance(60_000)
  const resumedAt = new Date(clock.now())
  await (await service.resumeJob(job.id)).result
  expect(await job.snapshot()).toMatchObject({ startedAt: began, runStartedAt: resumedAt, remainingMs: null })
})

test('progress is told at the end of the interval although nothing follows for a long while', async () => {
  const door = gate()
  const { service, clock } = office({
    progressIntervalMs: 250,
    calculate: (day) => day === 'e1 2025-01-03' && door.pass(),
  })
  const job = await service.triggerRecalcAllAsync(RANGE)
  const told: (readonly [at: number, current: number])[] = []
  const began = clock.now()
  job.on('progress', ({ at, current }) => told.push([+at - began, current]))
  await door.arrived
  await clock.advance(249)
  expect(told).toEqual([[0, 0]])
  await clock.advance(1)
  expect(told).toEqual([
    [0, 0],
    [250, 2],
  ])
  await clock.advance(10_000)
  expect(told).toHaveLength(2)
  door.open()
  await job.result
})

test('the log tells of the start, the first failure and the end of a job, and of errors under `err`', async () => {
  const entries: { readonly message: string; readonly fields: object }[] = []
  const { service, failing, log } = office({ onLog: (message, fields) => entries.push({ message, fields }) })
  failing.add('e1 2025-01-01').add('e1 2025-01-02')
  const job = await service.triggerRecalcAllAsync(RANGE)
  job.on('completed', () => {
    throw new Error('a broken listener')
  })
  await job.result
  expect(entries).toMatchObject([
    { message: 'Job started', fields: { jobId: job.id, tenantId: TENANT, runs: 1 } },
    { message: 'The first failure of a job', fields: { jobId: job.id, employeeId: 'e1', date: '2025-01-01' } },
    {
      message: 'Job ended',
      fields: { jobId: job.id, status: 'completed_with_errors', processedDays: 4, failedDays: 2 },
    },
    { message: 'A job event listener failed', fields: { err: { message: 'a broken listener' } } },
  ])
  expect(log.map(({ level }) => level)).toEqual(['info', 'warn', 'info', 'error'])
})
