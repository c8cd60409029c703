import { manualClock } from 'recalc-service/testing'
import { expect, test } from 'vitest'

test('a manual clock shows the time at which it was started, whatever that is given as', () => {
  for (const start of ['2025-03-30T00:00:00Z', new Date('2025-03-30'), Date.parse('2025-03-30')]) {
    expect(new Date(manualClock({ start }).now()).toISOString()).toBe('2025-03-30T00:00:00.000Z')
  }
  expect(new Date(manualClock().now()).toISOString()).toBe('2025-01-01T00:00:00.000Z')
})

test('a manual clock refuses a start that is no time, and to go back', async () => {
  expect(() => manualClock({ start: 'soon' })).toThrow(RangeError)
  await expect(manualClock().advance(-1)).rejects.toThrow('Expected `ms` to be a number from 0, got -1')
  await expect(manualClock().advance(Number.NaN)).rejects.toThrow(RangeError)
})

test('timers are called when they are due, each at its own time, in the order of their times', async () => {
  const clock = manualClock({ start: 0 })
  const calls: string[] = []
  const call = (name: string) => () => calls.push(`${name} at ${clock.now()}`)
  clock.setTimeout(call('third'), 300)
  clock.setTimeout(call('first'), 100)
  clock.setTimeout(call('second'), 200)
  clock.setTimeout(call('of equal times the one set first'), 200)
  clock.setTimeout(call('late'), 401)
  await clock.advance(400)
  expect(calls).toEqual(['first at 100', 'second at 200', 'of equal times the one set first at 200', 'third at 300'])
  expect(clock.now()).toBe(400)
  expect(clock.pending).toBe(1)
  await clock.advance(1)
  expect(calls.at(-1)).toBe('late at 401')
  expect(clock.pending).toBe(0)
})

test('a timer that is cancelled is never called, also when another one cancels it at the last moment', async () => {
  const clock = manualClock()
  const calls: string[] = []
  clock.setTimeout(() => later.cancel(), 10)
  const later = clock.setTimeout(() => calls.push('later'), 10)
  clock.setTimeout(() => calls.push('other'), 10).unref()
  await clock.advance(10)
  expect(calls).toEqual(['other'])
  expect(clock.pending).toBe(0)
})

test('a timer that a callback sets is called in the same advance when it falls due', async () => {
  const clock = manualClock({ start: 0 })
  const ticks: number[] = []
  const tick = () => {
    ticks.push(clock.now())
    clock.setTimeout(tick, 30)
  }
  tick()
  await clock.advance(100)
  expect(ticks).toEqual([0, 30, 60, 90])
  expect(clock.pending).toBe(1)
})

test('what a callback sets going comes to rest before the next timer is called', async () => {
  const clock = manualClock()
  const order: string[] = []
  clock.setTimeout(() => {
    void (async () => {
      for (let i = 0; i < 50; i++) await null
      await new Promise((resolve) => setImmediate(resolve))
      order.push('settled')
    })()
  }, 1)
  clock.setTimeout(() => order.push('next timer'), 2)
  await clock.advance(2)
  expect(order).toEqual(['settled', 'next timer'])
})

test('an advance by nothing lets what is going on come to rest and calls timers that are due', async () => {
  const clock = manualClock({ start: 0 })
  let settled = false
  void Promise.resolve().then(() => {
    settled = true
  })
  let called = false
  clock.setTimeout(() => {
    called = true
  }, 0)
  await clock.advance(0)
  expect({ settled, called, now: clock.now() }).toEqual({ settled: true, called: true, now: 0 })
})
