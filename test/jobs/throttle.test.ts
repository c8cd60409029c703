import { InvalidOptionsError } from 'recalc-service'
import { describe, expect, test } from 'vitest'
import { eventsOf, office, RANGE } from './support/office.ts'

describe('throttle', () => {
  test('holds a job up between blocks with a reason that is told, and lets it go on', async () => {
    let reason: string | null = null
    const { service, clock, calculated } = office({
      throttle: async () => reason,
      block: { employees: 1, days: 1 },
      calculate: async (day) => {
        if (day !== 'e1 2025-01-01') return
        reason = 'replica lag'
        await clock.advance(1_000)
      },
    })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await new Promise<void>((resolve) => job.on('progress', ({ waitingFor }) => waitingFor && resolve()))
    expect(calculated).toEqual(['e1 2025-01-01'])
    expect(await job.snapshot()).toMatchObject({ status: 'running', waitingFor: 'replica lag', processedDays: 1 })
    await clock.advance(5_000)
    expect(calculated).toHaveLength(1)
    reason = null
    await clock.advance(1_000)
    expect(await job.result).toMatchObject({ status: 'completed', processedDays: 6 })
    const reasons = (await eventsOf(job)).flatMap((event) => (event.type === 'progress' ? [event.waitingFor] : []))
    expect(reasons.filter((one, i) => one !== reasons[i - 1])).toEqual([null, 'replica lag', null])
    expect(await job.snapshot()).toMatchObject({ waitingFor: null })
  })

  test('is asked at most once a second, however many blocks there are', async () => {
    let asked = 0
    const { service } = office({
      block: { employees: 1, days: 1 },
      throttle: () => {
        asked += 1
        return null
      },
    })
    expect(await (await service.triggerRecalcAllAsync(RANGE)).result).toMatchObject({ processedDays: 6 })
    expect(asked).toBe(1)
  })

  test.each(['cancelJob', 'pauseJob'] as const)('keeps no job from %s', async (how) => {
    const { service, clock } = office({ throttle: () => 'office hours' })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await clock.advance(3_000)
    expect(await service[how](job.id)).toBe(true)
    await clock.advance(0)
    expect(await job.result).toMatchObject({ status: how === 'pauseJob' ? 'paused' : 'cancelled', processedDays: 0 })
    await service.stop()
    expect(clock.pending).toBe(0)
  })

  test('that fails, does not answer or answers nonsense stops nobody, and is logged', async () => {
    const answers = [
      () => Promise.reject(new Error('no connection')),
      () => new Promise<never>(() => {}),
      () => true as never,
    ]
    for (const throttle of answers) {
      const { service, clock, log } = office({ throttle })
      const job = await service.triggerRecalcAllAsync(RANGE)
      await clock.advance(60_000)
      expect(await job.result).toMatchObject({ status: 'completed' })
      expect(log.filter(({ message }) => message.includes('throttle'))).not.toEqual([])
    }
  })

  test('concerns jobs alone: a call that somebody waits for is not held up', async () => {
    const { service } = office({ throttle: () => 'office hours' })
    expect(await service.triggerRecalcAll(RANGE)).toMatchObject({ status: 'completed' })
  })

  test('must be a function', () => {
    expect(() => office({ throttle: 'replica lag' as never })).toThrow(InvalidOptionsError)
  })
})
