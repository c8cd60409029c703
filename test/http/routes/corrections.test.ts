import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { Database } from '../../support/database.ts'
import { fill, world } from '../../support/service.ts'
import { scores, stageOf } from '../../support/stages.ts'

const MARCH = 'tenant_id=acme&start_date=2025-03-01&end_date=2025-03-02'

async function host() {
  const database = new Database()
  fill(database, 'hours', '=ann', { '2025-03-01': 8 })
  let isClosed = false
  const { service } = world(
    { stages: [stageOf(scores)] },
    {
      database,
      employees: ['=ann'],
      closedPeriods: {
        closed: async () => new Map(isClosed ? [['=ann', [{ from: '2025-03-01', to: '2025-03-31' }]]] : []),
      },
    },
  )
  await service.triggerRecalcAll({ tenantId: 'acme', from: '2025-03-01', to: '2025-03-02' })
  isClosed = true
  const api = createRecalcApi(service, {
    authorize: apiKeys({
      all: { tenants: ['acme'], actions: '*' },
      looks: { tenants: ['acme'], actions: ['corrections'] },
      previews: { tenants: ['acme'], actions: ['preview'] },
    }),
  })
  const call = async (path: string, init: RequestInit = {}, key = 'all') =>
    await api.fetch(
      new Request(`http://localhost/api/system/recalculate${path}`, {
        ...init,
        headers: { 'X-API-Key': key, 'Content-Type': 'application/json', ...init.headers },
      }),
    )
  const settle = (ids: readonly string[], key = 'all') =>
    call('/corrections/settle', { method: 'POST', body: JSON.stringify({ tenant_id: 'acme', ids }) }, key)
  const list = async () => {
    const lines = (await (await call(`/corrections?${MARCH}`)).text()).trim().split('\n')
    return lines.map((line) => JSON.parse(line))
  }
  return { database, call, settle, list }
}

test('corrections are told line by line, taken over once, and stale ones are refused', async () => {
  const { database, settle, list } = await host()
  fill(database, 'hours', '=ann', { '2025-03-01': 9 })
  const [first, summary] = await list()
  expect(first).toMatchObject({ type: 'correction', employee_id: '=ann', start_date: '2025-03-01', stage: 'scores' })
  expect(first).toMatchObject({ stored: 80, right: 90, taken: {}, difference: { '': 10 } })
  expect(summary).toEqual({
    ...{ type: 'summary', corrections: 1, failed_days: 0, failed_periods: 0, errors: [] },
    totals: { scores: { '': 10 } },
  })
  expect(await (await settle([first.id])).json()).toEqual({ settled: 1, settled_before: 0 })
  expect(await (await settle([first.id])).json()).toEqual({ settled: 0, settled_before: 1 })
  expect(await list()).toHaveLength(1)
  fill(database, 'hours', '=ann', { '2025-03-01': 10 })
  const [second] = await list()
  fill(database, 'hours', '=ann', { '2025-03-01': 11 })
  const stale = await settle([second.id])
  expect([stale.status, await stale.json()]).toMatchObject([409, { code: 'STALE_CORRECTION' }])
  expect((await settle(['nonsense'])).status).toBe(400)
})

test('corrections come as CSV whose texts are no formulas', async () => {
  const { database, call } = await host()
  fill(database, 'hours', '=ann', { '2025-03-01': 7 })
  const response = await call(`/corrections?${MARCH}`, { headers: { Accept: 'text/csv' } })
  expect(response.headers.get('Content-Type')).toContain('text/csv')
  expect((await response.text()).replace(/c[0-9a-f]{32}\.[\w-]+/, 'ID')).toBe(
    'employee_id,start_date,end_date,stage,field,stored,right,taken,difference,id\r\n' +
      "'=ann,2025-03-01,2025-03-01,scores,,80,70,0,-10,ID\r\n",
  )
})

test('to list and to take over are actions of their own', async () => {
  const { call, settle } = await host()
  expect((await call(`/corrections?${MARCH}`, {}, 'looks')).status).toBe(200)
  expect((await call(`/corrections?${MARCH}`, {}, 'previews')).status).toBe(403)
  expect((await settle([], 'looks')).status).toBe(403)
})
