import { createServer, type RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { createRecalcApi } from 'recalc-service/http'
import { describe, expect, test } from 'vitest'
import { office } from '../jobs/support/office.ts'
import { gate } from '../support/gate.ts'
import { ALL, authorize, KEYS } from './support/api-under-test.ts'
import { ApiClient } from './support/client.ts'
import { BASE, serve } from './support/server.ts'

type Fetch = (request: Request) => Promise<Response>

// What a host has besides, and may not be disturbed.
const mountings: Readonly<Record<string, (fetch: Fetch) => RequestListener>> = {
  'plain node:http': (fetch) => {
    const listener = getRequestListener(fetch)
    return (request, response) => {
      if (request.url === '/hello') response.end('hello')
      else void listener(request, response)
    }
  },
  'Hono, by all': (fetch) => {
    const app = new Hono()
    app.get('/hello', (context) => context.text('hello'))
    app.all(`${BASE}/*`, ({ req }) => fetch(req.raw))
    return getRequestListener(app.fetch)
  },
  'Hono, by mount': (fetch) => {
    const app = new Hono()
    app.mount(BASE, fetch, { replaceRequest: false })
    app.get('/hello', (context) => context.text('hello'))
    return getRequestListener(app.fetch)
  },
  'Hono behind compression': (fetch) => {
    const app = new Hono()
    app.use(compress())
    app.get('/hello', (context) => context.text('hello'))
    app.all(`${BASE}/*`, ({ req }) => fetch(req.raw))
    return getRequestListener(app.fetch)
  },
  Express: (fetch) => {
    const app = express()
    app.all([BASE, `${BASE}/*path`], getRequestListener(fetch))
    app.use(express.json())
    app.get('/hello', (_, response) => void response.send('hello'))
    return app
  },
}

describe.each(Object.entries(mountings))('mounted in %s', (_, mount) => {
  test('everything works, and events arrive before the job ends', async () => {
    const { arrived, pass, open } = gate()
    const { service } = office({
      progressIntervalMs: 0,
      block: { employees: 1, days: 1 },
      calculate: (day) => (day === 'e2 2025-01-03' ? pass() : undefined),
    })
    const { fetch: handle } = createRecalcApi(service, { authorize })
    const { url } = await serve(mount(handle))
    const client = await ApiClient.connect(url, KEYS.acme)
    expect(await (await fetch(`${url}/hello`)).text()).toBe('hello')
    expect((await client.get('')).headers.get('content-type')).toContain('text/html')
    expect((await client.get('/')).status).toBe(200)

    const started = await client.post('', { ...ALL, reason: 'größer' })
    expect(started.headers.get('location')).toBe(`${BASE}/status/${started.body.job_id}`)
    await arrived
    const events: string[] = []
    for await (const { event, value } of client.stream(started.body.job_id)) {
      events.push(event ?? '')
      if (event === 'progress' && value.current === 5) open()
    }
    expect(events.at(-1)).toBe('complete')
    const { body } = await client.send(`/status/${started.body.job_id}?`, {})
    expect(body).toMatchObject({ status: 'completed', reason: 'größer' })
    expect((await client.post('/', { ...ALL, foo: 1 })).status).toBe(400)
    expect((await client.as('nobody').get('/jobs')).status).toBe(401)
    await service.stop()
  })

  test('a client that hangs up is noticed', async () => {
    const { arrived, pass, open } = gate()
    const { service, backend } = office({ calculate: () => pass() })
    let watchers = 0
    const gone = Promise.withResolvers<void>()
    const { watch } = backend.jobs
    Object.assign(backend.jobs, {
      watch: (jobId: string, listener: () => void) => {
        watchers += 1
        const unwatch = watch.call(backend.jobs, jobId, listener)
        return () => {
          watchers -= 1
          unwatch()
          gone.resolve()
        }
      },
    })
    const { url } = await serve(mount(createRecalcApi(service, { authorize }).fetch))
    const client = await ApiClient.connect(url, KEYS.acme)
    const { body: job } = await client.post('/', ALL)
    await arrived
    for await (const { event } of client.stream(job.job_id, { lastEventId: 4 })) {
      expect(event).toBe('snapshot')
      // The client has what there is; the server waits for news with it.
      await new Promise<void>((resolve) => {
        const look = () => (watchers > 0 ? resolve() : setImmediate(look))
        look()
      })
      break
    }
    await gone.promise
    expect(watchers).toBe(0)
    open()
    await service.stop()
  })
})

test('a body that somebody else has read before is a problem, not a hang', async () => {
  const { service } = office()
  const app = express()
  app.use(express.json())
  app.all(`${BASE}/*path`, getRequestListener(createRecalcApi(service, { authorize }).fetch))
  const { url } = await serve(app)
  const client = await ApiClient.connect(url, KEYS.acme)
  const { status, body } = await client.post('/estimate', ALL)
  expect([status, body.errors]).toEqual([400, [expect.objectContaining({ message: expect.stringContaining('body') })]])
})

test('a framework that takes the base path away gets an answer that says so', async () => {
  const { service } = office()
  const app = express()
  app.use(BASE, getRequestListener(createRecalcApi(service, { authorize }).fetch))
  const { url } = await serve(app)
  const response = await fetch(`${url}${BASE}/jobs`)
  expect(await response.json()).toMatchObject({ status: 404, code: 'NOT_FOUND', detail: expect.stringContaining(BASE) })
})

test('a server that is not of @hono/node-server needs no more than fetch', async () => {
  const { service } = office()
  const { fetch: handle } = createRecalcApi(service, { authorize })
  const server = createServer(async (request, response) => {
    const answer = await handle(new Request(`http://localhost${request.url}`, { headers: { 'X-API-Key': KEYS.acme } }))
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  })
  const { url } = await serve((request, response) => server.emit('request', request, response))
  expect(await (await fetch(`${url}${BASE}/me`)).json()).toEqual({
    tenants: ['acme'],
    actions: '*',
    tables: service.tables,
  })
})
