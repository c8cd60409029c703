import { dayStage, memoryBackend } from 'recalc-service'
import { expect, test } from 'vitest'
import { gate } from '../../support/gate.ts'
import { ALL, apiUnderTest } from '../support/api-under-test.ts'

test('a stream goes on to its end where the backend forgets events faster than they are read', async () => {
  const { arrived, pass, open } = gate()
  const failing = dayStage<number, void, undefined>({
    name: 'failing',
    writes: ['failing'],
    load: pass,
    calculate: ({ date }) => {
      throw new RangeError(`no hours on ${date}`)
    },
    save: async () => {},
  })
  const staff = Array.from({ length: 60 }, (_, i) => `e${i + 10}`)
  const { client, service } = await apiUnderTest({
    stages: [failing],
    staff,
    // A block fails with 75 events at once.
    backend: memoryBackend({ maxEvents: 5 }),
  })
  const { body: job } = await client.post('/', ALL)
  await arrived
  const heard = []
  for await (const { event, id } of client.stream(job.job_id)) {
    heard.push({ event, id: Number(id) })
    if (event === 'stage') open()
  }
  expect(heard.at(-1)).toEqual({ event: 'complete', id: (await service.getJob(job.job_id)).lastSeq })
  const ids = heard.slice(1).map(({ id }) => id)
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
})

test('the first answer to a key is not given again for another request, once its job is forgotten', async () => {
  const { client } = await apiUnderTest({ backend: memoryBackend({ maxJobs: 1 }), exclusive: 'none' })
  const start = async (json: object, key?: string) => {
    const { body } = await client.post('/', json, key === undefined ? {} : { 'Idempotency-Key': key })
    await client.heard(body.job_id)
    return body
  }
  const first = await start(ALL, 'monday')
  expect(first.total_days).toBe(6)
  await start(ALL)
  await start(ALL)
  const second = await start({ ...ALL, end_date: ALL.start_date }, 'monday')
  expect([second.job_id, second.total_days]).toEqual([first.job_id, 2])
})
