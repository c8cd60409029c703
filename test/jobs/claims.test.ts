import { memoryBackend, NotResumableError } from 'recalc-service'
import type { JobStore } from 'recalc-service/backend'
import { expect, test } from 'vitest'
import { changedStore } from './support/changed-store.ts'
import { office, RANGE } from './support/office.ts'

test('of two who resume a job of one service at once exactly one does, and every day is done once', async () => {
  const { service, failing, calculated } = office()
  failing.add('e1 2025-01-01').add('e2 2025-01-03')
  const job = await service.triggerRecalcAllAsync(RANGE)
  await job.result
  failing.clear()
  calculated.length = 0
  const attempts = await Promise.allSettled([service.resumeJob(job.id), service.resumeJob(job.id)])
  const [won] = attempts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const lost = attempts.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  expect(lost).toEqual([expect.any(NotResumableError)])
  expect(await won!.result).toMatchObject({ status: 'completed', totalDays: 6, processedDays: 6, failedDays: 0 })
  expect(calculated.toSorted()).toEqual(['e1 2025-01-01', 'e2 2025-01-03'])
})

test('every claim has an id of its own, which its lease carries', async () => {
  const asked: string[] = []
  const leased: string[] = []
  const backend = changedStore(
    memoryBackend(),
    (whole): Partial<JobStore<undefined>> => ({
      async create(record, event, request) {
        asked.push(request.claimId)
        const admission = await whole.create(record, event, request)
        if ('lease' in admission) leased.push(admission.lease.claimId)
        return admission
      },
      async claim(jobId, request) {
        asked.push(request.claimId)
        const claim = await whole.claim(jobId, request)
        if ('lease' in claim) leased.push(claim.lease.claimId)
        return claim
      },
    }),
  )
  const { service, failing } = office({ backend })
  failing.add('e1 2025-01-01')
  const job = await service.triggerRecalcAllAsync(RANGE)
  await job.result
  for (let i = 0; i < 3; i++) await (await service.resumeJob(job.id)).result
  expect(new Set(asked).size).toBe(4)
  expect(leased).toEqual(asked)
})
