import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { expect, test, vi } from 'vitest'
import { Database } from '../../support/database.ts'
import { fill, world } from '../../support/service.ts'
import { scores, stageOf } from '../../support/stages.ts'

const REQUEST = { tenant_id: 'acme', start_date: '2025-03-01', end_date: '2025-03-02' }

function host(closed: readonly { readonly from: string; readonly to: string }[] = []) {
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-03-01': 8, '2025-03-02': 4 })
  fill(database, 'hours', 'bob', { '2025-03-01': 1 })
  const closedPeriods = {
    closed: async ({ employeeIds }: { readonly employeeIds: readonly string[] }) =>
      new Map(employeeIds.map((id) => [id, closed])),
  }
  const options = { database, employees: ['ann', 'bob'], closedPeriods }
  const { service, connection } = world({ stages: [stageOf(scores)] }, options)
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
  return { database, connection, post, service }
}

async function linesOf(response: Response) {
  return (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** A preview of days that all have the same value. */
async function previewOfValue(value: unknown) {
  const stage = { ...stageOf(scores), calculate: () => value as never }
  const { service } = world({ stages: [stage] }, { employees: ['ann'] })
  const api = createRecalcApi(service, { authorize: () => ({ tenants: '*', actions: '*' }) })
  const response = await api.fetch(
    new Request('http://localhost/api/system/recalculate/preview', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(REQUEST),
    }),
  )
  return await linesOf(response)
}

test('a bigint is told as a string, as in the history', async () => {
  const lines = await previewOfValue(2n ** 60n)
  expect(lines.map(({ type }) => type)).toEqual(['difference', 'difference', 'summary'])
  expect(lines[0]).toMatchObject({ after: '1152921504606846976' })
})

test('a value without a JSON form is told as null, with the reason, and all others are told', async () => {
  const cyclic: { self?: object } = {}
  cyclic.self = cyclic
  const lines = await previewOfValue(cyclic)
  expect(lines.map(({ type }) => type)).toEqual(['difference', 'difference', 'summary'])
  expect(lines[0]).toMatchObject({
    employee_id: 'ann',
    after: null,
    not_told: expect.stringMatching(/^after: .*circular/),
  })
})

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

const HELD = { held: true, tenant_id: 'acme' }

test('what held changes would do is told the same way, of everybody or of one employee', async () => {
  const { post, service, database } = host([{ from: '2025-03-01', to: '2025-03-31' }])
  for (const employeeId of ['ann', 'bob']) {
    const dates = { from: '2025-03-01', to: '2025-03-02' }
    await service.noteChange(undefined as never, { tenantId: 'acme', employeeId, table: 'hours', dates })
  }
  await service.settle({ tenantId: 'acme' })
  const lines = await linesOf(await post(HELD))
  const told = lines.map(({ employee_id, start_date, after, type }) => [type, employee_id, start_date, after])
  expect(told).toEqual([
    ['difference', 'ann', '2025-03-01', 80],
    ['difference', 'ann', '2025-03-02', 48],
    ['difference', 'bob', '2025-03-01', 10],
    ['summary', undefined, undefined, undefined],
  ])
  expect(await linesOf(await post({ ...HELD, employee_id: 'bob', limit: 0 }))).toMatchObject([
    { type: 'summary', told: 0, inserts: 1 },
  ])
  expect(await linesOf(await post({ ...REQUEST, held: false }))).toMatchObject([{ closed_days: 4 }])
  expect(database.dump('scores')).toEqual({})
})

test.each<[string, object, string, string]>([
  ['held changes of some days', { ...HELD, start_date: '2025-03-01' }, 'start_date', '"start_date" is not known'],
  ['held changes of nobody', { held: true }, 'tenant_id', 'got undefined'],
  [
    'a word in place of `held`',
    { ...REQUEST, held: 'yes' },
    'held',
    'Expected `held` to be true, or false or left out',
  ],
])('%s are refused, with the field that is wrong', async (_, body, field, message) => {
  const { post } = host()
  const response = await post(body)
  expect(response.status).toBe(400)
  const { errors } = (await response.json()) as { readonly errors: unknown }
  expect(errors).toMatchObject([{ field, message: expect.stringContaining(message) }])
})

test('a service stops at once when a client has gone that took nothing of what was found', async () => {
  const { post, service } = host()
  const gone = new AbortController()
  const response = post(REQUEST, {}, gone.signal)
  gone.abort()
  await response
  const waiting = vi.fn()
  const timer = setTimeout(waiting, 5_000)
  await service.stop()
  clearTimeout(timer)
  expect(waiting).not.toHaveBeenCalled()
})
