import { expect, test } from 'vitest'
import { withDeadline } from '../../../src/run/units/deadline.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'

const late = () => 'too late'

test('a call that does not answer in time rejects, and one in time leaves no timer and no listener behind', async () => {
  const clock = manualClock()
  const slow = withDeadline(() => new Promise<never>(() => {}), { clock, timeoutMs: 50, late })
  const failure = expect(slow).rejects.toBe('too late')
  await clock.advance(49)
  expect(clock.pending).toBe(1)
  await clock.advance(1)
  await failure
  await expect(withDeadline(async () => 7, { clock, timeoutMs: 50, late })).resolves.toBe(7)
  const broken = () => Promise.reject(new Error('no'))
  await expect(withDeadline(broken, { clock, timeoutMs: 50, late })).rejects.toThrow('no')
  expect(clock.pending).toBe(0)
})

test('a call that throws at once, or is not asynchronous at all, leaves no timer behind either', async () => {
  const clock = manualClock()
  const throwing = (): Promise<never> => {
    throw new Error('at once')
  }
  await expect(withDeadline(throwing, { clock, timeoutMs: 50, late })).rejects.toThrow('at once')
  const plain = (() => 7) as unknown as () => Promise<number>
  await expect(withDeadline(plain, { clock, timeoutMs: 50, late })).resolves.toBe(7)
  expect(clock.pending).toBe(0)
})

test('an abort ends the wait at once, and one that came before begins no call', async () => {
  const clock = manualClock()
  const abort = new AbortController()
  const limits = { clock, timeoutMs: 50, signal: abort.signal, late }
  const waiting = withDeadline(() => new Promise<never>(() => {}), limits)
  abort.abort('enough')
  await expect(waiting).rejects.toBe('enough')
  let called = false
  const call = async () => {
    called = true
  }
  await expect(withDeadline(call, limits)).rejects.toBe('enough')
  expect(called).toBe(false)
  expect(clock.pending).toBe(0)
})

test('what a call comes to after its time is nobody`s unhandled rejection', async () => {
  const clock = manualClock()
  const answer = Promise.withResolvers<never>()
  const call = withDeadline(() => answer.promise, { clock, timeoutMs: 50, late })
  const failure = expect(call).rejects.toBe('too late')
  await clock.advance(50)
  await failure
  answer.reject(new Error('much later'))
  await clock.advance(0)
})
