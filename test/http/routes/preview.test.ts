import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { Database } from '../../support/database.ts'
import { fill, world } from '../../support/service.ts'
import { scores, stageOf } from '../../support/stages.ts'

const REQUEST = { tenant_id: 'acme', start_date: '2025-03-01', end_date: '2025-03-02' }

function host() {
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-03-01': 8, '2025-03-02': 4 })
  fill(database, 'hours', 'bob', { '2025-03-01': 1 })
  const { service, connection } = world({ stages: [stageOf(scores)] }, { database, employees: ['ann', 'bob'] })
  const api = createRecalcApi(service, {
    authorize: apiKeys({
      'key-of-acme': { tenants: ['acme'], actions: '*' },
      'key-that-starts': { tenants: ['acme'], actions: ['start'] },
    }),
  })
  const post = async (body: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    await api.fetch(
      new Request('http://localhost/api/system/recalculate/preview', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-API-Key': 'key-of-acme', ...headers },
        body: JSON.stringify(body),
        ...(signal && { signal }),
      }),
    )
  return { database, connection, post }
}

async function linesOf(response: Response) {
  return (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

test('a preview is told line by line, the sums last, and nothing is written', async () => {
  const { post, database } = host()
  const response = await post(REQUEST)
  expect(response.headers.get('Content-Type')).toBe('application/x-ndjson')
  expect(await linesOf(response)).toEqual([
    {
      ...{ type: 'difference', employee_id: 'ann', start_date: '2025-03-01', end_date: '2025-03-01' },
      ...{ stage: 'scores', kind: 'insert', before: null, after: 80 },
    },
    {
      ...{ type: 'difference', employee_id: 'ann', start_date: '2025-03-02', end_date: '2025-03-02' },
      ...{ stage: 'scores', kind: 'insert', before: null, after: 48 },
    },
    {
      ...{ type: 'difference', employee_id: 'bob', start_date: '2025-03-01', end_date: '2025-03-01' },
      ...{ stage: 'scores', kind: 'insert', before: null, after: 10 },
    },
    {
      ...{ type: 'summary', told: 3, days: 4, changed_days: 3, closed_days: 0, failed_days: 0 },
      ...{ inserts: 3, updates: 0, deletes: 0, errors: [], left_out: [] },
      totals: { scores: { '': { before: 0, after: 138 } } },
    },
  ])
  expect(database.dump('scores')).toEqual({})
})

test('differences beyond the limit are only counted', async () => {
  const { post } = host()
  const lines = await linesOf(await post({ ...REQUEST, limit: 1 }))
  expect(lines).toHaveLength(2)
  expect(lines[1]).toMatchObject({ type: 'summary', told: 1, inserts: 3 })
})

test('a client that accepts events gets them', async () => {
  const { post } = host()
  const response = await post({ ...REQUEST, limit: 0 }, { Accept: 'text/event-stream' })
  expect(response.headers.get('Content-Type')).toBe('text/event-stream')
  expect(await response.text()).toMatch(/^event: summary\ndata: \{"type":"summary",.*\}\n\n$/)
})

test('a client that goes ends the preview', async () => {
  const { post, connection } = host()
  const gone = new AbortController()
  const response = await post(REQUEST, {}, gone.signal)
  await response.body?.cancel()
  gone.abort()
  await new Promise(setImmediate)
  const { begun } = connection
  await new Promise(setImmediate)
  expect(connection.begun).toBe(begun)
})

test.each<[string, object, Record<string, string>, number]>([
  ['whoever may not preview', REQUEST, { 'X-API-Key': 'key-that-starts' }, 403],
  ['somebody else’s tenant', { ...REQUEST, tenant_id: 'globex' }, {}, 403],
  ['a wrong word', { ...REQUEST, closed: 'all' }, {}, 400],
  ['a table that no stage writes', { ...REQUEST, tables: ['nothing'] }, {}, 400],
])('%s is refused with a problem', async (_, body, headers, status) => {
  const { post, connection } = host()
  const response = await post(body, headers)
  expect(response.status).toBe(status)
  expect(response.headers.get('Content-Type')).toContain('application/problem+json')
  expect(connection.begun).toBe(0)
})
