import { type JobEvent, type JobHandle, memoryBackend, type RecalcBackend } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { expect, test } from 'vitest'
import { isTerminal } from '../../src/jobs/job-events.ts'
import { fc } from '../support/fc.ts'
import { mortal } from './support/mortal.ts'
import { office, TENANT } from './support/office.ts'

/** What befalls a run when it is about to calculate its nth day. */
interface Mishap {
  readonly day: number
  readonly kind: 'cancel' | 'stop' | 'die'
  /** Where it can, the run is begun by start(), not by somebody who resumes the job. */
  readonly recovered: boolean
}

const mishap = fc.record({
  day: fc.nat(12),
  kind: fc.constantFrom<Mishap['kind']>('cancel', 'stop', 'die'),
  recovered: fc.boolean(),
})
const employee = fc.constantFrom('e1', 'e2', 'e3', 'e4')
const failingDays = fc.uniqueArray(
  fc.tuple(employee, fc.integer({ min: 1, max: 3 })).map(([id, day]) => `${id} 2025-01-0${day}`),
)

test('however often a job is cancelled, stopped or killed, its runs together do every day, and its events tell it', async () => {
  const cases = fc.asyncProperty(
    fc.array(mishap, { maxLength: 4 }),
    failingDays,
    fc.integer({ min: 1, max: 3 }),
    async (mishaps, failing, concurrency) => {
      const clock = manualClock()
      const { jobs } = memoryBackend()
      const done = new Map<string, number>()
      let id: string | undefined

      for (const [run, { day, kind, recovered }] of [
        ...mishaps,
        { day: Number.POSITIVE_INFINITY, kind: 'stop' as const, recovered: false },
      ].entries()) {
        const dead = { now: false }
        let begun = 0
        let job: JobHandle | undefined
        const one = office({
          clock,
          // A process of its own: its locks are not those of the others.
          backend: mortal({ jobs, unitOfWork: memoryBackend().unitOfWork }, dead),
          concurrency,
          staff: ['e1', 'e2', 'e3', 'e4'],
          async calculate(name) {
            begun += 1
            if (begun > day) {
              if (kind === 'die') dead.now = true
              if (kind === 'cancel') void job?.cancel('enough')
              if (kind === 'stop') void one.service.stop()
            }
            if (dead.now) return await new Promise(() => {})
            if (run < mishaps.length && failing.includes(name)) throw new Error(`no hours for ${name}`)
            done.set(name, (done.get(name) ?? 0) + 1)
          },
        })
        const request = { tenantId: TENANT, from: '2025-01-01', to: '2025-01-03' }
        if (id === undefined) job = await one.service.triggerRecalcAllAsync(request)
        else {
          const { status } = (await jobs.get(id))!
          if (status === 'completed') break
          const isAbandoned = status === 'running' || status === 'interrupted'
          if (recovered && isAbandoned) {
            await one.service.start()
            await clock.advance(0)
            // Nothing can be asked of a process that has died by now.
            if (!dead.now) job = await one.service.openJob(id)
          } else job = await one.service.resumeJob(id)
        }
        id ??= job?.id
        await clock.advance(0)
        // Nobody renews the lease of the dead.
        if (dead.now) await clock.advance(30_000)
        else {
          await job?.result
          await one.service.stop()
        }
        await checkEvents(jobs, id!)
      }

      const record = (await jobs.get(id!))!
      expect(record).toMatchObject({
        status: 'completed',
        progress: 1,
        counters: { totalDays: 12, processedDays: 12, failedDays: 0, skippedDays: 0, errorCount: 0 },
      })
      expect(record.result).toMatchObject(record.counters)
      expect(done.size).toBe(12)
      expect(await jobs.failures(id!, { after: 0, limit: 100 })).toEqual([])
      const repeated = [...done.values()].filter((times) => times > 1)
      const killed = mishaps.filter(({ kind }) => kind === 'die').length
      // Only what a dying process had in flight is done again.
      expect(repeated.length).toBeLessThanOrEqual(killed * concurrency)
    },
  )
  await fc.assert(cases, { numRuns: 150 })
})

async function checkEvents(jobs: RecalcBackend['jobs'], jobId: string): Promise<void> {
  const events = await jobs.events(jobId, { after: 0, limit: 10_000 })
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  const record = (await jobs.get(jobId))!
  expect(record.lastSeq).toBe(events.length)
  expect(isTerminal(events.at(-1)!)).toBe(record.result !== null)
  let progress = 0
  for (const [i, event] of events.entries()) {
    const next: JobEvent | undefined = events[i + 1]
    // After the end of a run comes another run, or nothing.
    if (isTerminal(event) && next) expect(next.type).toBe('resumed')
    if (event.type !== 'progress') continue
    expect(event.progress).toBeGreaterThanOrEqual(progress)
    progress = event.progress
  }
  const { counters } = record
  const { processedDays, skippedDays, failedDays, totalDays } = counters
  expect(processedDays + skippedDays + failedDays).toBeLessThanOrEqual(totalDays)
  expect(await jobs.failures(jobId, { after: 0, limit: 1_000 })).toHaveLength(counters.errorCount)
}
