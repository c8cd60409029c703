import { Validator } from '@seriousme/openapi-schema-validator'
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { office } from '../../jobs/support/office.ts'
import { apiUnderTest } from '../support/api-under-test.ts'
import { BASE } from '../support/server.ts'

interface Operation {
  readonly operationId: string
  readonly security?: readonly object[]
  readonly parameters: readonly { readonly name: string; readonly schema: object }[]
  readonly requestBody?: { readonly required: boolean }
  readonly responses: Readonly<Record<string, object>>
}

async function operationsOf(): Promise<Readonly<Record<string, Operation>>> {
  const { client } = await apiUnderTest()
  const { paths } = (await client.get('/openapi.json')).body as { paths: Record<string, Record<string, Operation>> }
  const entries = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [`${method} ${path.slice(BASE.length)}`, operation] as const),
  )
  return Object.fromEntries(entries)
}

test('a validator that nobody here wrote accepts the document as OpenAPI 3.1', async () => {
  const { client } = await apiUnderTest()
  const { status, body } = await client.as(null).get('/openapi.json')
  expect(status).toBe(200)
  const validator = new Validator()
  expect(await validator.validate(structuredClone(body))).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
})

test('every endpoint is described, with every answer that it may give', async () => {
  const operations = await operationsOf()
  expect(Object.keys(operations).sort()).toEqual(
    [
      'get ',
      'get /corrections',
      'get /employees/{job_id}',
      'get /dirty',
      'get /errors/{job_id}',
      'get /freshness',
      'get /history',
      'get /jobs',
      'get /me',
      'get /openapi.json',
      'get /status/{job_id}',
      'get /stream/{job_id}',
      'post ',
      'post /cancel/{job_id}',
      'post /corrections/settle',
      'post /day',
      'post /estimate',
      'post /pause/{job_id}',
      'post /preview',
      'post /release',
      'post /resume/{job_id}',
      'post /settle',
    ].sort(),
  )
  expect(Object.keys(operations['post ']?.responses ?? {})).toEqual([
    '201',
    '400',
    '401',
    '403',
    '404',
    '409',
    '413',
    '415',
    '422',
    '429',
    '500',
    '503',
  ])
  expect(Object.keys(operations['get /stream/{job_id}']?.responses ?? {})).toEqual([
    '200',
    '204',
    '400',
    '401',
    '403',
    '404',
    '500',
    '503',
  ])
  const ids = Object.values(operations).map(({ operationId }) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
})

test('what may be left out, and within which bounds, is told as it is checked', async () => {
  const operations = await operationsOf()
  const limit = operations['get /jobs']?.parameters.find(({ name }) => name === 'limit')
  expect(limit).toMatchObject({ in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 200 } })
  expect(operations['post ']?.requestBody?.required).toBe(true)
  expect(operations['post /cancel/{job_id}']?.requestBody?.required).toBe(false)
  expect(operations['get /openapi.json']?.security).toEqual([])
  expect(operations['get /jobs']?.security).toEqual([{ credentials: [] }])
})

test('every status of a problem says which codes come with it, and a temporary one when to come back', async () => {
  const operations = await operationsOf()
  for (const { responses } of Object.values(operations)) {
    for (const [status, response] of Object.entries(responses)) {
      if (Number(status) < 400) continue
      const { description, headers } = response as { description: string; headers?: object }
      expect([status, description]).toEqual([status, expect.stringMatching(/^[A-Z_]{6,}/)])
      const isTemporary = status === '429' || status === '503'
      expect([status, Object.keys(headers ?? {})]).toEqual([status, isTemporary ? ['Retry-After'] : []])
    }
  }
})

test('a Last-Event-ID is described as a number that may be left out', async () => {
  const operations = await operationsOf()
  const named = operations['get /stream/{job_id}']?.parameters.filter(({ name }) => name.startsWith('last'))
  expect(named).toEqual([
    expect.objectContaining({ in: 'query', name: 'last_event_id', required: false, description: expect.any(String) }),
    expect.objectContaining({ in: 'header', name: 'last-event-id', required: false, description: expect.any(String) }),
  ])
  for (const { schema } of named ?? []) expect(schema).toMatchObject({ type: 'integer', minimum: 0 })
})

test('credentials are described only where the host says what they are', async () => {
  const { service } = office()
  const described = async (authorize: Parameters<typeof createRecalcApi>[1]['authorize']) => {
    const { fetch } = createRecalcApi(service, { authorize })
    const response = await fetch(new Request(`http://localhost${BASE}/openapi.json`))
    return ((await response.json()) as { components: { securitySchemes?: object } }).components.securitySchemes
  }
  expect(await described(() => null)).toBeUndefined()
  expect(await described(apiKeys({ key: { tenants: '*', actions: '*' } }))).toEqual({
    credentials: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  })
})
