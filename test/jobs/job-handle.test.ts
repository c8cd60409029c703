import { InvalidRequestError, type JobEvent, JobNotFoundError, memoryBackend } from 'recalc-service'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { changedStore } from './support/changed-store.ts'
import { eventsOf, office, RANGE, typesOf } from './support/office.ts'

const SMALL = ['queued', 'started', 'stage', 'progress', 'progress', 'completed'] as const

describe('listeners', () => {
  test('hear every event of their type, also those before they were added', async () => {
    const { service } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    const result = await job.result
    const heard: JobEvent[] = []
    const ended = Promise.withResolvers<void>()
    for (const type of new Set(SMALL)) job.on(type, (event) => heard.push(event))
    job.on('completed', () => ended.resolve())
    await ended.promise
    expect(typesOf(heard)).toEqual(SMALL)
    expect(heard.at(-1)).toMatchObject({ result })
  })

  test('added with once hear the first, those taken off hear nothing more', async () => {
    const door = gate()
    const { service } = office({ progressIntervalMs: 0, calculate: (day) => day.startsWith('e2') && door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    const calls = { on: 0, once: 0, off: 0, never: 0 }
    const count = (name: keyof typeof calls) => () => {
      calls[name] += 1
    }
    const off = count('off')
    const never = count('never')
    job.on('progress', count('on')).once('progress', count('once')).on('progress', off)
    job.on('failure', never).off('failure', never)
    await door.arrived
    const heardBefore = calls.off
    expect(heardBefore).toBeGreaterThan(0)
    job.off('progress', off)
    const ended = Promise.withResolvers<void>()
    job.once('completed', () => ended.resolve())
    door.open()
    await ended.promise
    expect(calls).toEqual({ on: 8, once: 1, off: heardBefore, never: 0 })
  })

  test('that throw or reject, at once or later, are logged and harm nobody', async () => {
    const { service, log } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    const errors = [new Error('thrown'), new Error('rejected'), new Error('thenable')]
    const ended = Promise.withResolvers<void>()
    const heard: string[] = []
    job.on('started', () => {
      throw errors[0]
    })
    job.on('started', async () => {
      await null
      throw errors[1]
    })
    job.on('started', () => ({
      // biome-ignore lint/suspicious/noThenProperty: what a listener hands back may be anything
      then(_: unknown, reject: (error: unknown) => void) {
        reject(errors[2])
      },
    }))
    job.on('started', ({ type }) => heard.push(type))
    job.on('completed', ({ type }) => {
      heard.push(type)
      ended.resolve()
    })
    await ended.promise
    expect(heard).toEqual(['started', 'completed'])
    expect(new Set(log.filter(({ level }) => level === 'error').map(({ error }) => error))).toEqual(new Set(errors))
    expect(await job.result).toMatchObject({ status: 'completed' })
  })

  test('may listen to several types with one function, and leave one of them', async () => {
    const { service } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    const heard: string[] = []
    const listener = ({ type }: JobEvent) => heard.push(type)
    job.on('queued', listener).on('started', listener).on('stage', listener).off('stage', listener)
    const ended = Promise.withResolvers<void>()
    job.on('completed', () => ended.resolve())
    await ended.promise
    expect(heard).toEqual(['queued', 'started'])
  })
})

describe('events()', () => {
  test('gives every event from the first, whenever it is called, as often as it is called', async () => {
    const door = gate()
    const { service } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    const early = [eventsOf(job), eventsOf(job)]
    door.open()
    await job.result
    for (const events of [...(await Promise.all(early)), await eventsOf(job)]) expect(typesOf(events)).toEqual(SMALL)
  })

  test('goes on after a given one', async () => {
    const { service } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    const seqs = async (after: number) => {
      const found: number[] = []
      for await (const { seq } of job.events({ after })) found.push(seq)
      return found
    }
    expect(await seqs(0)).toEqual([1, 2, 3, 4, 5, 6])
    expect(await seqs(4)).toEqual([5, 6])
    expect(await seqs(6)).toEqual([])
    expect(await seqs(1_000)).toEqual([])
  })

  test('waits for a slow reader, who misses nothing', async () => {
    const { service, clock } = office({ progressIntervalMs: 0 })
    const job = await service.triggerRecalcAllAsync({ ...RANGE, to: '2025-12-31' })
    const seqs: number[] = []
    for await (const { seq } of job.events()) {
      seqs.push(seq)
      await clock.advance(0)
    }
    expect(seqs).toEqual(Array.from({ length: 736 }, (_, i) => i + 1))
  })

  test('ends in silence when its signal aborts, before, while waiting, or between two events', async () => {
    const door = gate()
    const { service } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    const read = async (signal: AbortSignal, onEvent = (_: JobEvent) => {}) => {
      const found: JobEvent[] = []
      for await (const event of job.events({ signal })) {
        found.push(event)
        onEvent(event)
      }
      return typesOf(found)
    }
    expect(await read(AbortSignal.abort())).toEqual([])
    await door.arrived
    const second = new AbortController()
    expect(await read(second.signal, ({ seq }) => seq === 2 && second.abort())).toEqual(['queued', 'started'])
    const waiting = new AbortController()
    const giveUp = () => waiting.abort(new Error('no matter why'))
    const reading = read(waiting.signal, ({ type }) => type === 'progress' && setImmediate(giveUp))
    expect(await reading).toEqual(SMALL.slice(0, 4))
    door.open()
    await job.result
  })

  test('leaves no watcher behind, however it ends', async () => {
    let watchers = 0
    const backend = changedStore(memoryBackend(), (whole) => ({
      watch(jobId, listener) {
        watchers += 1
        const unwatch = whole.watch(jobId, listener)
        return () => {
          watchers -= 1
          unwatch()
        }
      },
    }))
    const door = gate()
    const { service, clock } = office({ backend, calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    const stop = new AbortController()
    const aborted = readAll(job.events({ signal: stop.signal }))
    for await (const event of job.events()) if (event.type === 'started') break
    const done = eventsOf(job)
    job.on('progress', () => {})
    await door.arrived
    expect(watchers).toBe(3)
    stop.abort()
    await aborted
    expect(watchers).toBe(2)
    door.open()
    await done
    await clock.advance(0)
    expect(watchers).toBe(0)
  })

  test('of a run that ended stops at its end, although another run begins while it is read', async () => {
    const office1 = office()
    office1.failing.add('e1 2025-01-01')
    const job = await office1.service.triggerRecalcAllAsync(RANGE)
    await job.result
    const { lastSeq } = await job.snapshot()
    let resumed = false
    const backend = changedStore(office1.backend, (whole) => ({
      async events(jobId, page) {
        // Between reading the record and reading the events, somebody resumes the job.
        if (!resumed) {
          resumed = true
          await (await office1.service.resumeJob(jobId)).result
        }
        return await whole.events(jobId, page)
      },
    }))
    const reader = await office({ backend }).service.openJob(job.id)
    const events = await eventsOf(reader)
    expect(events.at(-1)).toMatchObject({ type: 'completed', seq: lastSeq })
    expect((await eventsOf(reader)).at(-1)?.seq).toBeGreaterThan(lastSeq)
  })
})

describe('a handle', () => {
  test('on a job that has ended has its result at once, and no event to tell', async () => {
    const { service } = office()
    const first = await service.triggerRecalcAllAsync(RANGE)
    const result = await first.result
    const opened = await service.openJob(first.id)
    expect(await opened.result).toEqual(result)
    expect(typesOf(await eventsOf(opened))).toEqual(SMALL)
    expect(await opened.cancel()).toBe(false)
  })

  test('on a running job hears what happens from now on, and its result', async () => {
    const door = gate()
    const { service } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    const opened = await service.openJob(job.id)
    const heard: string[] = []
    const ended = Promise.withResolvers<void>()
    for (const type of new Set(SMALL)) opened.on(type, (event) => heard.push(event.type))
    opened.on('completed', () => ended.resolve())
    door.open()
    expect(await opened.result).toEqual(await job.result)
    await ended.promise
    expect(heard).toEqual(['progress', 'completed'])
  })

  test('of a resumed job tells of that run; the result of the first one stays what it was', async () => {
    const { service, failing } = office()
    failing.add('e1 2025-01-01')
    const first = await service.triggerRecalcAllAsync(RANGE)
    await first.result
    failing.clear()
    const second = await service.resumeJob(first.id)
    const heard: string[] = []
    for (const type of new Set(['resumed', ...SMALL] as const)) second.once(type, (event) => heard.push(event.type))
    expect(await second.result).toMatchObject({ status: 'completed', processedDays: 6, failedDays: 0 })
    expect(await first.result).toMatchObject({ status: 'completed_with_errors', failedDays: 1 })
    expect(typesOf(await eventsOf(second))).toEqual([
      ...['queued', 'started', 'stage', 'progress', 'failure', 'progress', 'completed'],
      ...['resumed', 'stage', 'progress', 'progress', 'completed'],
    ])
    expect(heard).toEqual(['resumed', 'stage', 'progress', 'completed'])
  })

  test('opened while a job is taken up again waits for the new end', async () => {
    const door = gate()
    const { service, backend, failing } = office()
    failing.add('e1 2025-01-01')
    const first = await service.triggerRecalcAllAsync(RANGE)
    await first.result
    failing.clear()
    const slow = changedStore(backend, (whole) => ({
      append: async (...write) => {
        await door.pass()
        return await whole.append(...write)
      },
    }))
    const resumed = await office({ backend: slow }).service.resumeJob(first.id)
    await door.arrived
    expect(await resumed.snapshot()).toMatchObject({ status: 'running', result: null, finishedAt: null })
    const opened = await service.openJob(first.id)
    door.open()
    expect(await opened.result).toMatchObject({ status: 'completed' })
  })

  test('on a job that has been forgotten says so', async () => {
    const { service } = office({ backend: memoryBackend({ maxJobs: 1 }) })
    const make = async () => await service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' })
    const first = await make()
    const opened = await service.openJob(first.id)
    const result = await first.result
    for (let i = 0; i < 2; i++) await (await make()).result
    await make()
    await expect(first.snapshot()).rejects.toThrow(JobNotFoundError)
    await expect(first.cancel()).rejects.toThrow(JobNotFoundError)
    await expect(service.openJob(first.id)).rejects.toThrow(JobNotFoundError)
    expect(await first.result).toBe(result)
    await expect(opened.result).rejects.toThrow(JobNotFoundError)
    expect(await eventsOf(first)).toEqual([])
  })
})

async function readAll(events: AsyncIterable<JobEvent>): Promise<void> {
  for await (const _ of events);
}

test('listeners outlive a store that cannot be read for a while, and miss nothing', async () => {
  const door = gate()
  let refusals = 2
  const backend = changedStore(memoryBackend(), (whole) => ({
    events: async (jobId, page) => {
      if (page.after > 0 && refusals > 0) {
        refusals -= 1
        throw new Error('the store is away')
      }
      return await whole.events(jobId, page)
    },
  }))
  const { service, log } = office({
    backend,
    progressIntervalMs: 0,
    calculate: (day) => day === 'e2 2025-01-03' && door.pass(),
  })
  const job = await service.triggerRecalcAllAsync(RANGE)
  const heard: JobEvent[] = []
  const ended = Promise.withResolvers<void>()
  for (const type of new Set(SMALL)) job.on(type, (event) => heard.push(event))
  job.on('completed', () => ended.resolve())
  await door.arrived
  door.open()
  await ended.promise
  expect(refusals).toBe(0)
  expect(heard.map(({ seq }) => seq)).toEqual(heard.map((_, i) => i + 1))
  expect(log.filter(({ message }) => message === 'Job events could not be read')).toHaveLength(2)
})

describe('the last event', () => {
  test('is heard by whoever begins to listen for it after the end, whoever listened before', async () => {
    const { service, clock } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    const heard: string[] = []
    job.on('progress', () => heard.push('progress'))
    await job.result
    job.on('completed', () => heard.push('on'))
    job.once('completed', () => heard.push('once'))
    job.on('failed', () => heard.push('failed'))
    await clock.advance(0)
    expect(heard).toEqual(['progress', 'progress', 'on', 'once'])
  })

  test('is heard by all listeners before the result is there, however slowly the store is read', async () => {
    const { service } = office({
      backend: changedStore(memoryBackend(), (whole) => ({
        async events(jobId, page) {
          for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
          return await whole.events(jobId, page)
        },
      })),
    })
    const job = await service.triggerRecalcAllAsync(RANGE)
    const order: string[] = []
    job.on('completed', () => order.push('completed'))
    await job.result
    order.push('result')
    expect(order).toEqual(['completed', 'result'])
  })

  test('of a run is enough for its result, although another run has taken the job up meanwhile', async () => {
    const door = gate()
    const reading = gate()
    let second = false
    let slow = true
    const backend = changedStore(memoryBackend(), (whole) => ({
      async events(jobId, page) {
        if (slow) await reading.pass()
        return await whole.events(jobId, page)
      },
    }))
    const { service, failing, clock } = office({ backend, calculate: () => second && door.pass() })
    failing.add('e1 2025-01-01')
    const job = await service.triggerRecalcAllAsync(RANGE)
    const heard: string[] = []
    job.on('completed', () => heard.push('completed'))
    await clock.advance(0)
    second = true
    const resumed = await service.resumeJob(job.id)
    await door.arrived
    slow = false
    reading.open()
    expect(await job.result).toMatchObject({ status: 'completed_with_errors' })
    expect(heard).toEqual(['completed'])
    door.open()
    await resumed.result
  })
})

test("the result of another service's job outlives reads that fail", async () => {
  const door = gate()
  const { service, backend, clock } = office({ calculate: () => door.pass() })
  const job = await service.triggerRecalcAllAsync(RANGE)
  await door.arrived
  let refusals = 3
  const refuse = () => {
    refusals -= 1
    return refusals >= 0 && clock.now() > 0
  }
  const flaky = changedStore(backend, (whole) => ({
    events: (...args) => (refuse() ? Promise.reject(new Error('away')) : whole.events(...args)),
  }))
  const opened = await office({ backend: flaky, clock }).service.openJob(job.id)
  const heard: string[] = []
  opened.on('completed', () => heard.push('completed'))
  const { result } = opened
  await clock.advance(5_000)
  door.open()
  await clock.advance(5_000)
  expect(await result).toEqual(await job.result)
  expect(heard).toEqual(['completed'])
})

test('a job that is forgotten while it is watched ends the watch, and has no result', async () => {
  const { service, backend, clock } = office({ calculate: () => new Promise(() => {}) })
  const job = await service.triggerRecalcAllAsync(RANGE)
  await clock.advance(0)
  let forgotten = false
  const notify: (() => void)[] = []
  const forgetful = changedStore(backend, (whole) => ({
    get: async (jobId) => (forgotten ? undefined : await whole.get(jobId)),
    events: async (jobId, page) => (forgotten ? [] : await whole.events(jobId, page)),
    watch(_, listener) {
      notify.push(listener)
      return () => {}
    },
  }))
  const opened = await office({ backend: forgetful, clock }).service.openJob(job.id)
  const watched = eventsOf(opened)
  const result = opened.result.catch((error: unknown) => error)
  await clock.advance(0)
  forgotten = true
  for (const tell of notify) tell()
  expect(typesOf(await watched)).toEqual(['queued', 'started', 'stage', 'progress'])
  expect(await result).toBeInstanceOf(JobNotFoundError)
})

describe('bad input is refused', () => {
  test.for(['three', -1, 1.5, Number.NaN, null])('events after %j', async (after) => {
    const { service } = office()
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    expect(() => job.events({ after: after as number })).toThrow(InvalidRequestError)
  })

  test.for([{}, 7, null, ['why']])('the reason %j of a cancel', async (reason) => {
    const door = gate()
    const { service } = office({ calculate: () => door.pass() })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    await expect(job.cancel(reason as string)).rejects.toThrow(InvalidRequestError)
    await expect(service.cancelJob(job.id, reason as string)).rejects.toThrow(InvalidRequestError)
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed' })
  })
})

test('nobody can change what is stored by writing to a result, its errors or its events', async () => {
  const { service, failing } = office()
  failing.add('e1 2025-01-01')
  const job = await service.triggerRecalcAllAsync(RANGE)
  const result = await job.result
  const snapshot = await job.snapshot()
  for (const shared of [result, result.errors, result.errors[0], snapshot.result, ...(await eventsOf(job))]) {
    expect(Object.isFrozen(shared)).toBe(true)
  }
  expect(() => {
    ;(result as { status: string }).status = 'completed'
  }).toThrow(TypeError)
  expect((await service.getJob(job.id)).result?.status).toBe('completed_with_errors')
})

test('a message of two megabytes is cut wherever it is kept', async () => {
  const { service } = office({ staff: ['e1'], calculate: () => Promise.reject(new Error('x'.repeat(2_000_000))) })
  const job = await service.triggerRecalcAllAsync({ ...RANGE, to: RANGE.from })
  const { errors } = await job.result
  const kept = [...errors, ...(await service.listJobFailures(job.id))].map(({ message }) => message)
  expect(kept).toHaveLength(2)
  for (const message of kept) expect(message.length).toBeLessThanOrEqual(2_001)
})
