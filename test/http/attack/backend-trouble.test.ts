import { BackendUnavailableError, memoryBackend, RecalcService } from 'recalc-service'
import type { JobStore } from 'recalc-service/backend'
import { createRecalcApi } from 'recalc-service/http'
import { describe, expect, test } from 'vitest'
import { changedStore } from '../../jobs/support/changed-store.ts'
import { office } from '../../jobs/support/office.ts'
import { settled } from '../../support/settled.ts'
import { ALL, authorize, KEYS } from '../support/api-under-test.ts'
import { BASE } from '../support/server.ts'
import { turnstile } from './support/turnstile.ts'

const SECRET = 'S3CRET'

/** What drivers throw, with something to hide in every part of it. */
function driverError(fields: object): Error {
  const error = new Error(`connect to ${SECRET} at 10.66.66.66: SELECT ${SECRET}\nFROM ${SECRET}`)
  error.stack = `Error: ${SECRET}\n    at query (/srv/${SECRET}/driver.js:1:1)`
  const inner = { sql: `SELECT ${SECRET}`, sqlMessage: SECRET, address: SECRET, cause: new Error(SECRET) }
  return Object.assign(error, inner, fields)
}

const away: Readonly<Record<string, () => unknown>> = {
  'that refuses connections': () => driverError({ code: 'ECONNREFUSED', errno: -111 }),
  'that closed the connection': () => driverError({ code: 'PROTOCOL_CONNECTION_LOST', fatal: true }),
  'whose connection is closed': () => driverError({ fatal: true }),
  'that is shutting down': () => driverError({ code: 'ER_SERVER_SHUTDOWN', errno: 1053, sqlState: '08S01' }),
  'that is busy': () => driverError({ code: 'ERR_SQLITE_ERROR', errcode: 5 }),
  'that was away at every attempt': () => new BackendUnavailableError(10, driverError({ code: 'ECONNREFUSED' })),
}
const broken: Readonly<Record<string, () => unknown>> = {
  'that does not know the table': () => driverError({ code: 'ER_NO_SUCH_TABLE', errno: 1146, sqlState: '42S02' }),
  'with an error that has no code': () => driverError({}),
  'that throws what is no error': () => `${SECRET}: SELECT ${SECRET}`,
}

const STORE_METHODS = [
  ...(['get', 'list', 'events', 'failures', 'failuresOf', 'checkpoint', 'requestCancel'] as const),
  ...(['create', 'claim', 'append', 'saveStep'] as const),
] satisfies readonly (keyof JobStore)[]

const requests = [
  ['POST', '/', ALL],
  ['POST', '/', ALL, 'k1'],
  ['POST', '/estimate', ALL],
  ['POST', '/day', { tenant_id: 'acme', employee_id: 'e3', date: '2025-01-01' }],
  ['GET', '/status/ID'],
  ['GET', '/jobs'],
  ['GET', '/jobs?after=ID'],
  ['GET', '/errors/ID'],
  ['GET', '/employees/ID'],
  ['GET', '/stream/ID'],
  ['POST', '/cancel/ID', {}],
  ['POST', '/resume/ID', {}],
  ['GET', '/me'],
] as const

/** Everything that comes of a response by itself: a job whose end could not be stored has none yet. */
async function bytesOf(response: Response): Promise<string> {
  let text = `${response.status}\n${JSON.stringify([...response.headers])}\n`
  const reader = response.body?.getReader()
  for (;;) {
    const read = await Promise.race([reader?.read(), settled()])
    if (!read || read.done) break
    text += Buffer.from(read.value).toString()
  }
  await reader?.cancel()
  return text
}

async function scene(method: keyof JobStore, { isAway }: { readonly isAway: boolean }) {
  let trouble: (() => unknown) | undefined
  const { jobs: memory, unitOfWork } = memoryBackend()
  const isTransient = (error: unknown) => isAway && error instanceof Error && 'sql' in error
  const backend = changedStore({ jobs: memory, unitOfWork: { ...unitOfWork, isTransient } }, (jobs) => ({
    [method]: async (...args: never[]) => {
      if (trouble) throw trouble()
      return await (jobs[method] as (...args: never[]) => unknown)(...args)
    },
  }))
  const { pass, admit } = turnstile()
  const behind = office({ backend, staff: ['e1', 'e2'], exclusive: 'none', progressIntervalMs: 0, calculate: pass })
  behind.failing.add('e1 2025-01-01')
  const { fetch } = createRecalcApi(behind.service, { authorize, clock: behind.clock, cooldownMs: 0 })
  const ask = (verb: string, path: string, json?: object, key?: string) => {
    const headers = {
      'X-API-Key': KEYS.acme,
      'Content-Type': 'application/json',
      ...(key !== undefined && { 'Idempotency-Key': key }),
    }
    return fetch(
      new Request(`http://localhost${BASE}${path}`, {
        method: verb,
        headers,
        ...(json && { body: JSON.stringify(json) }),
      } as RequestInit),
    )
  }
  const { job_id: jobId } = (await (await ask('POST', '/', ALL)).json()) as { readonly job_id: string }
  admit(2)
  await settled()
  return {
    ...behind,
    ask,
    admit,
    jobId,
    strike(make: (() => unknown) | undefined) {
      trouble = make
    },
  }
}

describe.each(Object.entries({ ...away, ...broken }))('a database %s', (name, make) => {
  test.each(STORE_METHODS)('tells nothing of itself in any answer, whatever it fails at (%s)', async (method) => {
    const { ask, admit, jobId, strike, service, clock } = await scene(method, { isAway: name in away })
    const open = await ask('GET', `/stream/${jobId}`)
    strike(make)
    const answers: string[] = []
    for (const [verb, path, json, key] of requests) {
      const asked = ask(verb, path.replace('ID', jobId), json, key)
      admit(1)
      const response = await asked
      if (response.status >= 500) expect([path, response.status]).toEqual([path, name in away ? 503 : 500])
      // What is still being told ends with the trouble, or with the job.
      admit(100)
      answers.push(await bytesOf(response))
    }
    answers.push(await bytesOf(open))
    for (const answer of answers) expect(answer).not.toMatch(/S3CRET|10\.66|SELECT|driver\.js/)
    strike(undefined)
    const stopped = service.stop()
    await clock.advance(60_000) // what it waits for before it tries to write again
    await stopped
  })
})

test('a stream that breaks with the database goes on where it was once that is back', async () => {
  for (const method of ['get', 'events'] as const) {
    const { ask, admit, jobId, strike, service } = await scene(method, { isAway: true })
    const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))
    const first = await ask('GET', `/stream/${jobId}`)
    strike(away['that refuses connections'])
    admit(1)
    const heard = idsIn(await bytesOf(first))
    strike(undefined)
    admit(100)
    const rest = await bytesOf(await ask('GET', `/stream/${jobId}?last_event_id=${heard.at(-1) ?? 0}`))
    const joined = [...heard, ...idsIn(rest)]
    expect(joined).toEqual(joined.map((_, i) => i + 1))
    expect(rest).toContain('event: complete')
    await service.stop()
  }
})

test('whatever a host’s own code throws, a request is answered and nothing of it is told', async () => {
  const thrown: readonly unknown[] = [
    SECRET,
    undefined,
    null,
    7,
    { message: SECRET },
    Object.create(null),
    Symbol(SECRET),
  ]
  for (const one of thrown) {
    const employees = { listEmployees: () => Promise.reject(one) }
    const service = new RecalcService({ dailyCalc: { calculateDay: async () => {} }, employees })
    const logged: unknown[] = []
    const logger = { debug() {}, info() {}, warn() {}, error: (fields: object) => void logged.push(fields) }
    const headers = { 'X-API-Key': KEYS.acme, 'Content-Type': 'application/json' }
    const start = { method: 'POST', headers, body: JSON.stringify(ALL) }
    const url = `http://localhost${BASE}/`
    const fromRepository = await createRecalcApi(service, { authorize, logger }).fetch(new Request(url, start))
    const refuse = () => Promise.reject(one)
    const fromAuthorize = await createRecalcApi(service, { authorize: refuse, logger }).fetch(new Request(url, start))
    for (const response of [fromRepository, fromAuthorize]) {
      expect(response.status).toBe(500)
      expect(await bytesOf(response)).not.toContain(SECRET)
    }
    expect(logged).toHaveLength(2)
    await service.stop()
  }
})
