import { memoryBackend, NotResumableError, tenantStage } from 'recalc-service'
import { type ManualClock, manualClock } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { dyingOffice, office, RANGE } from './support/office.ts'

const ranks = tenantStage<undefined>({ name: 'ranks', writes: ['ranks'], run: async () => {} })

/** A job of a dailyCalc whose worker died, and a service that has no dailyCalc any more. */
async function renamed(recovery: 'resume' | 'mark' = 'resume') {
  const clock = manualClock()
  const { jobs } = memoryBackend()
  const process = () => ({ jobs, unitOfWork: memoryBackend().unitOfWork })
  const job = await dyingOffice(process(), clock).service.triggerRecalcAllAsync(RANGE)
  await clock.advance(0)
  const later: ManualClock = manualClock({ start: clock.now() + 60_000 })
  const other = office({ backend: process(), clock: later, stages: [ranks], recovery })
  const able = () => office({ backend: process(), clock: later })
  return { id: job.id, other, able, clock: later }
}

describe('a job whose stages a service does not have', () => {
  test('is cancelled at once when its worker is dead, and blocks its tenant no longer', async () => {
    const { id, other } = await renamed()
    expect(await other.service.cancelJob(id, 'renamed')).toBe(true)
    expect(await other.service.getJob(id)).toMatchObject({ status: 'cancelled' })
    const next = await other.service.triggerRecalcAllAsync(RANGE)
    expect(await next.result).toMatchObject({ status: 'completed' })
  })

  test('is marked as interrupted by start(), told of once, and left to a service that has them', async () => {
    const { id, other, able, clock } = await renamed()
    await other.service.start()
    await clock.advance(0)
    expect(await other.service.getJob(id)).toMatchObject({ status: 'interrupted', processedDays: 0 })
    await clock.advance(300_000)
    expect(await other.service.getJob(id)).toMatchObject({ status: 'interrupted', runs: 1 })
    const told = other.log.filter(({ message }) => message.includes('has stages that this service does not have'))
    expect(told).toHaveLength(1)
    const capable = able()
    await capable.service.start()
    await clock.advance(0)
    expect(await other.service.getJob(id)).toMatchObject({ status: 'completed', processedDays: 6 })
    await Promise.all([other.service.stop(), capable.service.stop()])
  })

  test("is marked as interrupted with recovery 'mark'", async () => {
    const { id, other, clock } = await renamed('mark')
    await other.service.start()
    await clock.advance(0)
    expect(await other.service.getJob(id)).toMatchObject({ status: 'interrupted' })
    await other.service.stop()
  })

  test('is listed with everything that is known of it, and is refused to be resumed in words that name the stage', async () => {
    const { id, other } = await renamed()
    expect(await other.service.listJobs()).toMatchObject([{ id, status: 'running' }])
    expect(await other.service.listJobFailures(id)).toEqual([])
    expect(await other.service.listJobEmployees(id)).toMatchObject([{ id: 'e1' }, { id: 'e2' }])
    const refusal = await other.service.resumeJob(id).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(NotResumableError)
    expect((refusal as Error).message).toContain('"dailyCalc"')
  })
})
