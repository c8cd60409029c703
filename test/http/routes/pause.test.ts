import { expect, test } from 'vitest'
import { gate } from '../../support/gate.ts'
import { ALL, apiUnderTest, KEYS } from '../support/api-under-test.ts'
import { ApiClient } from '../support/client.ts'

/** An API whose first job waits at its first day. */
async function waitingApi() {
  const door = gate()
  const under = await apiUnderTest({ calculate: (day) => day === 'e1 2025-01-01' && door.pass() })
  return { ...under, door }
}

test('a job is paused, tells so in its status and its stream, and goes on when it is resumed', async () => {
  const { client, door } = await waitingApi()
  const { body: job } = await client.post('/', ALL)
  await door.arrived
  expect(await client.post(`/pause/${job.job_id}`)).toMatchObject({ status: 200, body: { paused: true } })
  expect((await client.get(`/status/${job.job_id}`)).body).toMatchObject({ status: 'running', pause_requested: true })
  door.open()
  const heard = await client.heard(job.job_id)
  expect(heard.at(-1)).toMatchObject({ event: 'paused', value: { result: { status: 'paused', processed_days: 1 } } })
  expect((await client.get('/jobs?status=paused')).body.jobs).toMatchObject([{ job_id: job.job_id }])
  expect((await client.post(`/resume/${job.job_id}`)).status).toBe(202)
})

test('jobs wait for their turn when they are asked to, are listed as queued, and can be paused and cancelled there', async () => {
  const { client, door, service } = await waitingApi()
  const { body: first } = await client.post('/', ALL)
  await door.arrived
  expect((await client.post('/', ALL)).status).toBe(409)
  const waiting = []
  for (let i = 0; i < 3; i++) waiting.push((await client.post('/', { ...ALL, when_busy: 'queue' })).body.job_id)
  const queued = (await client.get('/jobs?status=queued')).body.jobs as readonly { readonly job_id: string }[]
  expect(queued.map(({ job_id }) => job_id).sort()).toEqual(waiting.toSorted())
  expect((await client.post(`/cancel/${waiting[0]}`)).body).toMatchObject({ cancelled: true })
  expect((await client.post(`/pause/${waiting[1]}`)).body).toEqual({ paused: true })
  expect((await client.get(`/status/${waiting[1]}`)).body.status).toBe('paused')
  expect((await client.post(`/resume/${waiting[1]}`)).status).toBe(409)
  const resumed = await client.post(`/resume/${waiting[1]}`, { when_busy: 'queue' })
  expect(resumed).toMatchObject({ status: 202, body: { status: 'queued' } })
  door.open()
  for (const id of [first.job_id, waiting[2], waiting[1]]) {
    expect(await (await service.openJob(id)).result).toMatchObject({ status: 'completed' })
  }
  expect((await client.get(`/status/${waiting[0]}`)).body.status).toBe('cancelled')
  expect((await client.post('/', { ...ALL, when_busy: 'later' })).status).toBe(400)
})

test('a job that holds still tells why', async () => {
  const { client, clock } = await apiUnderTest({ throttle: () => 'replica lag' })
  const { body: job } = await client.post('/', ALL)
  await clock.advance(2_000)
  expect((await client.get(`/status/${job.job_id}`)).body).toMatchObject({ waiting_for: 'replica lag' })
})

test('pausing is a right of its own', async () => {
  const { client, door, url } = await waitingApi()
  const { body: job } = await client.post('/', ALL)
  await door.arrived
  const reader = await ApiClient.connect(url, KEYS.reader)
  expect((await reader.post(`/pause/${job.job_id}`)).status).toBe(403)
  const stranger = await ApiClient.connect(url, KEYS.globex)
  expect((await stranger.post(`/pause/${job.job_id}`)).status).toBe(404)
  door.open()
})
