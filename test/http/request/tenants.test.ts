import { expect, test } from 'vitest'
import { gate } from '../../support/gate.ts'
import { ALL, apiUnderTest, KEYS } from '../support/api-under-test.ts'
import type { ApiAnswer } from '../support/client.ts'

const NEVER_WAS = '00000000-0000-4000-8000-000000000000'

const ofJob = [
  ['GET', '/status/:id'],
  ['GET', '/errors/:id'],
  ['GET', '/employees/:id'],
  ['GET', '/stream/:id'],
  ['GET', '/jobs?after=:id'],
  ['POST', '/cancel/:id'],
  ['POST', '/resume/:id'],
] as const

/** Everything that a caller can see of an answer, the time of day apart. */
function seen({ status, headers, text }: ApiAnswer): object {
  return { status, text, headers: [...headers].filter(([name]) => name !== 'date') }
}

test.each(ofJob)('%s %s: the job of another tenant is as if it had never been', async (method, path) => {
  const { arrived, pass, open } = gate()
  const { client, service } = await apiUnderTest({ calculate: () => pass() })
  const { body: job } = await client.post('/', ALL)
  await arrived
  const globex = client.as(KEYS.globex)
  const of = (id: string) => globex.send(path.replace(':id', id), { method })
  const unknown = await of(NEVER_WAS)
  expect(unknown).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } })
  expect(seen(await of(job.job_id))).toEqual(seen(unknown))
  for (const garbage of ['x', '%00', 'a'.repeat(300), '%f0%9f%98%80', job.job_id.toUpperCase()]) {
    expect([400, 404]).toContain((await of(garbage)).status)
  }
  expect(await service.getJob(job.job_id)).toMatchObject({ status: 'running', cancelRequested: false, runs: 1 })
  open()
})

test('a tenant that the caller does not have is refused in the same words whether or not there is such a tenant', async () => {
  const { client, calculated } = await apiUnderTest({ staff: [] })
  await client.as(KEYS.globex).post('/', { ...ALL, tenant_id: 'globex' })
  const day = { employee_id: 'e1', date: '2025-01-01' }
  for (const send of [
    (tenant_id: string) => client.post('/', { ...ALL, tenant_id }),
    (tenant_id: string) => client.post('/', { ...ALL, tenant_id, tables: ['unknown'] }),
    (tenant_id: string) => client.post('/estimate', { ...ALL, tenant_id }),
    (tenant_id: string) => client.post('/day', { ...day, tenant_id }),
    (tenant_id: string) => client.get(`/jobs?tenant_id=${tenant_id}`),
    (tenant_id: string) => client.get(`/freshness?tenant_id=${tenant_id}`),
    (tenant_id: string) => client.get(`/dirty?tenant_id=${tenant_id}`),
    (tenant_id: string) => client.post('/settle', { tenant_id }),
    (tenant_id: string) => client.post('/release', { tenant_id }),
  ]) {
    const there = await send('globex')
    expect(there).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect(seen(await send('nobody'))).toEqual(seen(there))
  }
  expect(calculated).toEqual([])
  expect((await client.get('/jobs')).body.jobs).toEqual([])
})

test('a list holds the jobs of the caller’s tenants and no others', async () => {
  const { client } = await apiUnderTest()
  const globex = client.as(KEYS.globex)
  const own = await client.post('/', ALL)
  const other = await globex.post('/', { ...ALL, tenant_id: 'globex' })
  const idsSeenBy = async (key: string, query = '') => {
    const { body } = await client.as(key).get(`/jobs${query}`)
    return body.jobs.map(({ job_id }: { job_id: string }) => job_id)
  }
  expect(await idsSeenBy(KEYS.acme)).toEqual([own.body.job_id])
  expect(await idsSeenBy(KEYS.globex)).toEqual([other.body.job_id])
  expect(await idsSeenBy(KEYS.admin)).toEqual([other.body.job_id, own.body.job_id])
  expect(await idsSeenBy(KEYS.admin, '?tenant_id=acme')).toEqual([own.body.job_id])
  expect(await idsSeenBy(KEYS.acme, '?limit=1')).toEqual([own.body.job_id])
})

test('the job in the way of another tenant’s is not named', async () => {
  const { arrived, pass, open } = gate()
  const { client } = await apiUnderTest({ exclusive: 'global', calculate: () => pass() })
  const { body: job } = await client.post('/', ALL)
  await arrived
  const globex = await client.as(KEYS.globex).post('/', { ...ALL, tenant_id: 'globex' })
  expect(globex).toMatchObject({ status: 409, body: { code: 'JOB_CONFLICT', active_job_id: null } })
  expect(globex.text).not.toContain(job.job_id)
  const admin = await client.as(KEYS.admin).post('/', { ...ALL, tenant_id: 'globex' })
  expect(admin.body.active_job_id).toBe(job.job_id)
  open()
})
