import { memoryBackend, parseIsoDate } from 'recalc-service'
import type { HistoryEntry, HistoryQuery } from 'recalc-service/backend'
import { apiKeys } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { ALL, apiUnderTest, KEYS } from '../support/api-under-test.ts'

const DAY = parseIsoDate('2025-01-01', 'date')

function entry(i: number): HistoryEntry {
  return {
    ...{ id: `${i}.0`, tenantId: 'acme', employeeId: 'e1', stage: 'scores', date: DAY, through: DAY },
    ...{ before: null, isBeforeKnown: false, after: { points: i }, notKept: null, tables: ['hours'] },
    at: new Date('2025-01-02T03:04:05Z'),
    run: { id: 'r', kind: 'settle', jobId: null, reason: null, actor: null },
  }
}

/** A backend whose history holds `count` entries, newest first. */
function backendWith(count: number) {
  const asked: HistoryQuery[] = []
  const entries = Array.from({ length: count }, (_, i) => entry(count - i))
  const history = {
    append: async () => {},
    async list(query: HistoryQuery) {
      asked.push(query)
      const begin = query.after === null ? 0 : entries.findIndex(({ id }) => id === query.after) + 1
      return entries.slice(begin, begin + query.limit)
    },
  }
  return { asked, backend: { ...memoryBackend(), history } }
}

const OF_DAY = '/history?tenant_id=acme&employee_id=e1&start_date=2025-01-01&end_date=2025-01-31'

test('tells page by page what was changed of an employee, or by a run', async () => {
  const { asked, backend } = backendWith(5)
  const { client } = await apiUnderTest({ backend })
  const first = (await client.get(`${OF_DAY}&limit=3`)).body
  expect(first.entries).toHaveLength(3)
  expect(first.entries[0]).toEqual({
    ...{ id: '5.0', employee_id: 'e1', stage: 'scores', start_date: '2025-01-01', end_date: '2025-01-01' },
    ...{ before: null, before_known: false, after: { points: 5 }, not_kept: null, at: '2025-01-02T03:04:05.000Z' },
    ...{ run_id: 'r', job_id: null, kind: 'settle', reason: null, actor: null, tables: ['hours'] },
  })
  expect(first.next).toBe('3.0')
  const second = (await client.get(`${OF_DAY}&limit=3&after=${first.next}`)).body
  expect([second.entries.map(({ id }: { id: string }) => id), second.next]).toEqual([['2.0', '1.0'], null])
  await client.get('/history?tenant_id=acme&run_id=r')
  expect(asked.map(({ of }) => of)).toEqual([
    { employeeId: 'e1', from: '2025-01-01', to: '2025-01-31' },
    { employeeId: 'e1', from: '2025-01-01', to: '2025-01-31' },
    { runId: 'r' },
  ])
})

test('is an action of its own, for own tenants', async () => {
  const { backend } = backendWith(1)
  const { client } = await apiUnderTest({ backend })
  expect((await client.as(KEYS.reader).get(OF_DAY)).status).toBe(403)
  expect((await client.as(KEYS.globex).get(OF_DAY)).status).toBe(403)
  expect((await client.get(OF_DAY)).status).toBe(200)
})

test.each([
  '',
  '&employee_id=e1',
  '&employee_id=e1&start_date=2025-01-01',
  '&run_id=r&employee_id=e1',
  '&run_id=',
  '&limit=0',
])('refuses what says neither whose days nor which run: "%s"', async (query) => {
  const { asked, backend } = backendWith(1)
  const { client } = await apiUnderTest({ backend })
  const { status, body } = await client.get(`/history?tenant_id=acme${query}`)
  expect([status, body.code, asked]).toEqual([400, 'INVALID_REQUEST', []])
})

test('says that a backend keeps none', async () => {
  const { client } = await apiUnderTest()
  const { status, body } = await client.get(OF_DAY)
  expect([status, body.code]).toEqual([400, 'INVALID_REQUEST'])
  expect(JSON.stringify(body)).toContain('keeps a history')
})

test('who starts a job is who the credentials say, else who the body says', async () => {
  const known = { tenants: ['acme'], actions: '*' } as const
  const authorize = apiKeys({ [KEYS.acme]: known, [KEYS.admin]: { ...known, actor: 'boss' } })
  const { client, service } = await apiUnderTest({ http: { authorize } })
  const actorOf = async (by: typeof client, actor?: string) => {
    const { body } = await by.post('/', { ...ALL, ...(actor !== undefined && { actor }) })
    const job = await service.openJob(body.job_id)
    await job.result
    return (await client.get(`/status/${body.job_id}`)).body.actor
  }
  expect(await actorOf(client)).toBe(null)
  expect(await actorOf(client, 'clerk')).toBe('clerk')
  expect(await actorOf(client.as(KEYS.admin), 'clerk')).toBe('boss')
  expect((await client.post('/', { ...ALL, actor: 7 })).status).toBe(400)
})
