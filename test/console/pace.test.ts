import { expect, test } from 'vitest'
import { type Clock, Pace } from '../../src/console/net/pace.ts'
import { fc } from '../support/fc.ts'

/** A clock that goes on when it is told to. */
class FastClock implements Clock {
  #now = 0
  readonly #timers = new Set<{ readonly at: number; readonly work: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, work: () => void): () => void {
    const timer = { at: this.#now + ms, work }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await settled()
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0]
      if (!next || next.at > end) break
      this.#timers.delete(next)
      this.#now = next.at
      next.work()
    }
    this.#now = end
  }
}

/** Everything that is only waiting for its turn in the loop has had it. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

interface Sent {
  readonly at: number
  readonly endpoint: string
}

/** A page whose views ask their endpoints again as soon as they have an answer, which is what the pace is to hold back. */
function impatientPage(pace: Pace, clock: FastClock, answers: Readonly<Record<string, () => boolean>>, urgent = false) {
  const sent: Sent[] = []
  const gone = new AbortController()
  for (const [endpoint, succeeds] of Object.entries(answers)) {
    void (async () => {
      while (!gone.signal.aborted) {
        await pace.turn({ urgent, signal: gone.signal })
        sent.push({ at: clock.now(), endpoint })
        // An answer takes its time.
        await new Promise<void>((resolve) => clock.after(20, resolve))
        if (succeeds()) pace.succeeded(endpoint)
        else pace.failed(endpoint)
      }
    })().catch(() => {})
  }
  return { sent, leave: () => gone.abort() }
}

const never = () => false
const always = () => true

test('whatever fails, and however urgent it all is, two requests are never less than a second apart', async () => {
  const answers = fc.array(fc.boolean(), { minLength: 5, maxLength: 30 })
  const page = fc.record({ status: answers, jobs: answers, employees: answers, errors: answers })
  const law = fc.asyncProperty(page, fc.boolean(), async (told, urgent) => {
    const clock = new FastClock()
    const pace = new Pace(clock)
    const outcomes = Object.entries(told).map(([endpoint, results]) => {
      let asked = 0
      return [endpoint, () => results[asked++ % results.length] ?? false] as const
    })
    // One of them never gets through, so that there is trouble all the time.
    const { sent, leave } = impatientPage(pace, clock, { ...Object.fromEntries(outcomes), stream: never }, urgent)
    await clock.advance(60_000)
    leave()
    const inTrouble = sent.filter(({ at }) => at > 20)
    for (const [index, { at }] of inTrouble.entries()) {
      const before = inTrouble[index - 1]
      if (before) expect(at - before.at).toBeGreaterThan(999.9)
    }
  })
  await fc.assert(law, { numRuns: 40 })
})

test('the pauses grow for all requests together, up to half a minute', async () => {
  const clock = new FastClock()
  const { sent, leave } = impatientPage(new Pace(clock, () => 1), clock, {
    status: never,
    jobs: never,
    employees: never,
  })
  await clock.advance(600_000)
  leave()
  // Three at first; then 2, 4, 8, 16, 30, 30 … seconds, after each of which every endpoint is asked once.
  expect(sent.length).toBeLessThan(75)
  const last = sent.slice(-3)
  expect(new Set(last.map(({ endpoint }) => endpoint)).size).toBe(3)
})

test('one endpoint that fails holds back the others, which succeed', async () => {
  const clock = new FastClock()
  const { sent, leave } = impatientPage(new Pace(clock, () => 1), clock, { status: always, employees: never })
  await clock.advance(60_000)
  leave()
  expect(sent.filter(({ at, endpoint }) => endpoint === 'employees' && at > 30_000).length).toBeLessThan(3)
  expect(sent.filter(({ at }) => at > 30_000).length).toBeLessThan(32)
})

test('once everything that failed has succeeded, requests go out at once again', async () => {
  const clock = new FastClock()
  const pace = new Pace(clock)
  await pace.turn()
  pace.failed('status')
  pace.failed('jobs')
  pace.succeeded('status')
  let gone = false
  const turn = pace.turn({ urgent: true }).then(() => {
    gone = true
  })
  await clock.advance(999)
  expect(gone).toBe(false)
  await clock.advance(1)
  await turn
  pace.succeeded('jobs')
  await pace.turn()
  await pace.turn()
  expect(clock.now()).toBe(1_000)
})

test('a request that nobody wants any more does not wait for its turn', async () => {
  const clock = new FastClock()
  const pace = new Pace(clock)
  await pace.turn()
  pace.failed('status')
  const gone = new AbortController()
  const turn = pace.turn({ signal: gone.signal })
  gone.abort(new Error('turned away'))
  await expect(turn).rejects.toThrow('turned away')
})

test('who does not want to wait ends the pause, and keeps the distance', async () => {
  const clock = new FastClock()
  const pace = new Pace(clock, () => 1)
  await pace.turn()
  pace.failed('status', 60)
  let gone = false
  void pace.turn().then(() => {
    gone = true
  })
  await clock.advance(10_000)
  expect(gone).toBe(false)
  pace.tryNow()
  await clock.advance(0)
  expect(gone).toBe(true)
})
