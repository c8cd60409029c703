import { memoryBackend, type UnitOfWork } from 'recalc-service'
import { expect, test } from 'vitest'
import { ALL, apiUnderTest } from '../support/api-under-test.ts'

test.each([
  ['ER_DUP_ENTRY', "Duplicate entry 'ada@example.com' for key 'users.email'"],
  ['ER_PARSE_ERROR', 'You have an error in your SQL syntax near SELECT'],
  ['SQLITE_CONSTRAINT', 'UNIQUE constraint failed: secrets.id'],
  ['ERR_SQLITE_ERROR', 'no such table: secrets'],
  ['PROTOCOL_CONNECTION_LOST', 'Connection lost: 10.0.0.7'],
  ['ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.7:3306'],
  ['ENOENT', "no such file or directory, open '/etc/secrets'"],
  ['23505', 'duplicate key value violates unique constraint'],
])('of %s no more than the code is told, wherever it is told', async (code, message) => {
  const throwing = () => {
    throw Object.assign(new Error(message), { code })
  }
  const { client } = await apiUnderTest({ calculate: throwing })
  const { body: job } = await client.post('/', ALL)
  const told = [
    JSON.stringify(await client.heard(job.job_id)),
    (await client.get(`/status/${job.job_id}`)).text,
    (await client.get(`/errors/${job.job_id}`)).text,
    (await client.get(`/errors/${job.job_id}?employee_id=e1`)).text,
    (await client.post('/day', { tenant_id: 'acme', employee_id: 'e1', date: '2025-01-01' })).text,
  ]
  for (const text of told) {
    expect(text).toContain(`The database or the system refused it (${code}).`)
    expect(text).not.toContain(JSON.stringify(message).slice(1, -1))
  }
})

test('nor is it of what ended a whole run, or made it try again', async () => {
  const unitOfWork: UnitOfWork<undefined> = {
    run: () => Promise.reject(Object.assign(new Error('connect to 10.0.0.7'), { code: 'ECONNREFUSED' })),
    lockEmployees: async () => {},
    isTransient: () => true,
  }
  const backend = { jobs: memoryBackend().jobs, unitOfWork }
  const { client, clock } = await apiUnderTest({ backend, retry: { attempts: 2, minDelayMs: 0, maxDelayMs: 0 } })
  const { body: job } = await client.post('/', ALL)
  await clock.advance(1_000)
  const heard = await client.heard(job.job_id)
  const text = 'The database or the system refused it (ECONNREFUSED).'
  expect(heard.find(({ event }) => event === 'retry')?.value).toMatchObject({ code: 'ECONNREFUSED', message: text })
  expect(heard.at(-1)?.value.result.error).toEqual({
    code: 'BACKEND_UNAVAILABLE',
    message: 'The database or the system refused it (BACKEND_UNAVAILABLE).',
  })
  const status = await client.get(`/status/${job.job_id}`)
  const list = await client.get('/jobs')
  for (const { error } of [status.body, list.body.jobs[0]]) expect(error).toEqual(heard.at(-1)?.value.result.error)
  expect(JSON.stringify(heard) + status.text + list.text).not.toContain('10.0.0.7')
})

test('a message of the host’s own is told, its first line', async () => {
  const { client } = await apiUnderTest({
    calculate: () => {
      throw new RangeError('No shift on this day\n    at secret (/srv/app.js:1:1)')
    },
  })
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  const { body, text } = await client.get(`/errors/${job.job_id}`)
  expect(body.errors[0]).toMatchObject({ code: 'RangeError', message: 'No shift on this day' })
  expect(text).not.toContain('/srv')
})

test('a host may put failures into its own words, and is forgiven when it throws', async () => {
  const { client, failing, log } = await apiUnderTest({
    http: {
      describeFailure: ({ code, message }) => {
        if (message.includes('e2')) throw new Error('no words')
        return `sorry (${code})`
      },
    },
  })
  failing.add('e1 2025-01-01').add('e2 2025-01-01')
  const { body: job } = await client.post('/', ALL)
  await client.heard(job.job_id)
  const { body } = await client.get(`/errors/${job.job_id}`)
  expect(body.errors.map(({ message }: { message: string }) => message).sort()).toEqual([
    'no hours for e2 2025-01-01',
    'sorry (RangeError)',
  ])
  expect(log).toContainEqual(expect.objectContaining({ level: 'error', message: 'describeFailure failed' }))
})
