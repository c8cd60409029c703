import { InvalidOptionsError, type RecalcService } from 'recalc-service'
import { createRecalcApi, type RecalcApiOptions, type RecalcForApi } from 'recalc-service/http'
import { expect, expectTypeOf, test } from 'vitest'
import { office } from '../jobs/support/office.ts'
import { authorize } from './support/api-under-test.ts'

const { service } = office()

test('without authorize there is no API', () => {
  for (const options of [{}, undefined, { authorize: undefined }, { authorize: true }, { authorize: {} }]) {
    expect(() => createRecalcApi(service, options as never)).toThrow(InvalidOptionsError)
  }
})

test.each([
  ['basePath', 'api'],
  ['basePath', '/api/'],
  ['basePath', '/a b'],
  ['basePath', '/:id'],
  ['basePath', '/a/*'],
  ['basePath', null],
  ['cooldownMs', -1],
  ['cooldownMs', '5'],
  ['heartbeatMs', 0],
  ['heartbeatMs', 2 ** 31],
  ['maxBodyBytes', 0],
  ['maxBodyBytes', 1.5],
  ['allowedOrigins', '*'],
  ['allowedOrigins', ['*']],
  ['allowedOrigins', ['https://a.example/']],
  ['describeFailure', 'no'],
  ['logger', {}],
  ['clock', {}],
  ['authorise', authorize],
])('refuses %s: %j', (name, value) => {
  expect(() => createRecalcApi(service, { authorize, [name]: value } as RecalcApiOptions)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringContaining(`\`${name}\``) }),
  )
})

test('any service fits, whatever its transactions are', () => {
  expectTypeOf<RecalcService<undefined>>().toExtend<RecalcForApi>()
  expectTypeOf<RecalcService<{ readonly query: string }>>().toExtend<RecalcForApi>()
})

test('refuses what is no service', () => {
  for (const recalc of [undefined, {}, { getJob() {} }]) {
    expect(() => createRecalcApi(recalc as never, { authorize })).toThrow(InvalidOptionsError)
  }
})

test('any base path does, the root included', async () => {
  for (const [basePath, prefix] of [
    ['', ''],
    ['/', ''],
    ['/a', '/a'],
    ['/a/b-c.d_e~f', '/a/b-c.d_e~f'],
  ] as const) {
    const api = createRecalcApi(service, { authorize, basePath })
    const document = await api.fetch(new Request(`http://localhost${prefix}/openapi.json`))
    const { paths } = (await document.json()) as { paths: object }
    expect(Object.keys(paths)).toContain(`${prefix}/status/{job_id}`)
    expect((await api.fetch(new Request(`http://localhost${prefix}`))).status).toBe(200)
    expect((await api.fetch(new Request(`http://localhost${prefix}/`))).status).toBe(200)
    expect((await api.fetch(new Request(`http://localhost${prefix}/x`))).status).toBe(404)
  }
})
