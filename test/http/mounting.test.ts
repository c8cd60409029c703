import 'reflect-metadata'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { All, Controller, Get, Module, Req, Res, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import express from 'express'
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { createRecalcApi } from 'recalc-service/http'
import { describe, expect, test } from 'vitest'
import { office } from '../jobs/support/office.ts'
import { gate } from '../support/gate.ts'
import { ALL, authorize, KEYS } from './support/api-under-test.ts'
import { ApiClient } from './support/client.ts'
import { BASE, serve } from './support/server.ts'

type Fetch = ReturnType<typeof createRecalcApi>['fetch']

/** A Nest application that says hello, and whatever else its modules say. */
async function nest(fetch: Fetch, controllers: readonly Type[], { direct }: { readonly direct: boolean }) {
  class Hello {
    hello() {
      return 'hello'
    }
  }
  const decorate = (type: Type, name: string, ...decorators: readonly MethodDecorator[]) => {
    const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name)!
    for (const decorator of decorators) decorator(type.prototype, name, descriptor)
  }
  Controller('hello')(Hello)
  decorate(Hello, 'hello', Get())
  class AppModule {}
  Module({ controllers: [Hello, ...controllers] })(AppModule)
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: false })
  if (direct)
    app
      .getHttpAdapter()
      .getInstance()
      .all([BASE, `${BASE}/*path`], getRequestListener(fetch))
  await app.init()
  return app.getHttpAdapter().getInstance()
}

/** A controller of Nest, which hands on what it is asked. */
function controllerOf(fetch: Fetch): Type {
  const listener = getRequestListener(fetch)
  class Recalculations {
    handle(request: IncomingMessage, response: ServerResponse) {
      return listener(request, response)
    }
  }
  const { prototype } = Recalculations
  Req()(prototype, 'handle', 0)
  Res()(prototype, 'handle', 1)
  All(['', '*path'])(prototype, 'handle', Object.getOwnPropertyDescriptor(prototype, 'handle')!)
  Controller(BASE)(Recalculations)
  return Recalculations
}

/** A Fastify application whose routes of the API are in a scope of their own. */
async function fastifyApp(fetch: Fetch, { readsBodies }: { readonly readsBodies: boolean }): Promise<RequestListener> {
  const app = fastify()
  app.get('/hello', async () => 'hello')
  app.register(async (scope) => {
    if (!readsBodies) {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    }
    const listener = getRequestListener(fetch)
    const handle = async (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack()
      await listener(request.raw, reply.raw)
    }
    scope.all(BASE, handle)
    scope.all(`${BASE}/*`, handle)
  })
  await app.ready()
  return (request, response) => app.routing(request, response)
}

// What a host has besides, and may not be disturbed.
const mountings: Readonly<Record<string, (fetch: Fetch) => RequestListener | Promise<RequestListener>>> = {
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
  'Express behind json()': (fetch) => {
    const app = express()
    app.use(express.json())
    app.all([BASE, `${BASE}/*path`], getRequestListener(fetch))
    app.get('/hello', (_, response) => void response.send('hello'))
    return app
  },
  'Express behind raw()': (fetch) => {
    const app = express()
    app.use(express.raw({ type: '*/*' }))
    app.all([BASE, `${BASE}/*path`], getRequestListener(fetch))
    app.get('/hello', (_, response) => void response.send('hello'))
    return app
  },
  Fastify: (fetch) => fastifyApp(fetch, { readsBodies: false }),
  NestJS: (fetch) => nest(fetch, [], { direct: true }),
  'NestJS, by a controller': (fetch) => nest(fetch, [controllerOf(fetch)], { direct: false }),
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
    const { url } = await serve(await mount(handle))
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
    const { url } = await serve(await mount(createRecalcApi(service, { authorize }).fetch))
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

/** Hosts that read bodies and leave nothing of them where they could be found. */
const readers: Readonly<Record<string, (fetch: Fetch) => RequestListener | Promise<RequestListener>>> = {
  'Fastify’s own parser': (fetch) => fastifyApp(fetch, { readsBodies: true }),
  'Hono’s json()': (fetch) => {
    const app = new Hono()
    app.all(`${BASE}/*`, async ({ req }) => {
      if (req.method === 'POST') await req.json()
      return await fetch(req.raw)
    })
    return getRequestListener(app.fetch)
  },
  'a middleware of the host’s': (fetch) => {
    const app = express()
    app.use((request, _, next) => request.resume().on('end', next))
    app.all(`${BASE}/*path`, getRequestListener(fetch))
    return app
  },
}

describe.each(Object.entries(readers))('behind %s', (_, mount) => {
  test('a body that was read before is a problem that names the remedy, not a hang, and it is logged', async () => {
    const { service } = office()
    const errors: object[] = []
    const ignore = () => {}
    const logger = { debug: ignore, info: ignore, warn: ignore, error: (fields: object) => void errors.push(fields) }
    const { url } = await serve(await mount(createRecalcApi(service, { authorize, logger }).fetch))
    const client = await ApiClient.connect(url, KEYS.acme)
    const text = JSON.stringify(ALL)
    const headers = { 'Content-Type': 'application/json' }
    const chunked = new Blob([text]).stream()
    for (const { status, body } of [
      await client.post('/estimate', ALL),
      await client.send('/estimate', { method: 'POST', body: chunked, headers }),
    ]) {
      expect([status, body.code]).toEqual([500, 'BODY_ALREADY_READ'])
      expect(body.detail).toContain('mount the API before body parsers')
    }
    expect(errors).toEqual(Array(2).fill(expect.objectContaining({ err: expect.any(Error) })))
    expect((await client.get('/jobs')).status).toBe(200)
  })
})

test('a body that somebody is still reading is a problem that names the remedy', async () => {
  const { service } = office()
  const headers = { 'X-API-Key': KEYS.acme, 'Content-Type': 'application/json' }
  const request = new Request(`http://localhost${BASE}/estimate`, {
    method: 'POST',
    headers,
    body: JSON.stringify(ALL),
  })
  request.body?.getReader()
  const response = await createRecalcApi(service, { authorize }).fetch(request)
  expect(await response.json()).toMatchObject({ status: 500, code: 'BODY_ALREADY_READ' })
})

describe('a body that Express has parsed before', () => {
  async function behindParsers() {
    const { service } = office()
    const app = express()
    app.use(express.json({ limit: '10mb', strict: false }), express.urlencoded(), express.text())
    app.all(`${BASE}/*path`, getRequestListener(createRecalcApi(service, { authorize, maxBodyBytes: 1_000 }).fetch))
    const { url } = await serve(app)
    return await ApiClient.connect(url, KEYS.acme)
  }

  test('is taken, also when it came in chunks', async () => {
    const client = await behindParsers()
    const headers = { 'Content-Type': 'application/json' }
    const chunked = { method: 'POST', body: new Blob([JSON.stringify(ALL)]).stream(), headers }
    expect((await client.send('/estimate', chunked)).body).toMatchObject({ total_days: 6 })
    expect((await client.post('/estimate', { ...ALL, foo: 1 })).body.errors).toEqual([
      { field: 'foo', message: '"foo" is not known' },
    ])
  })

  test('is held to the same type and length as any other', async () => {
    const client = await behindParsers()
    const form = new URLSearchParams(ALL).toString()
    const asForm = { method: 'POST', body: form, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }
    expect((await client.send('/estimate', asForm)).status).toBe(415)
    expect((await client.post('/estimate', { ...ALL, reason: 'x'.repeat(1_000) })).status).toBe(413)
  })

  test('of which nothing was sent is refused as missing', async () => {
    const client = await behindParsers()
    const { status, body } = await client.send('/estimate', { method: 'POST' })
    expect([status, body.detail]).toEqual([400, 'Expected a JSON object as the body, got none'])
  })
})

describe('Next', () => {
  // What Next hands a route handler: the URL of the server as it calls itself, the headers as the browser sent them.
  function request(method: string, path: string, headers: Record<string, string> = {}, json?: object): Request {
    const all = { 'X-API-Key': 'demo-key', Host: 'intranet:3000', 'Content-Type': 'application/json', ...headers }
    const body = json ? { body: JSON.stringify(json) } : {}
    return new Request(`http://localhost:3000${BASE}${path}`, { method, headers: all, ...body })
  }
  const context = { params: Promise.resolve({ path: [] }) }

  test('route handlers answer a page on a host that the URL does not name, and stream what happens', async () => {
    const { GET, POST } = await import('../../examples/http-next.ts')
    const origin = { Origin: 'http://intranet:3000' }
    const started = await POST(request('POST', '', origin, ALL), context)
    expect(started.status).toBe(201)
    const { stream_url: streamUrl } = (await started.json()) as { readonly stream_url: string }
    const stream = await GET(request('GET', streamUrl.slice(BASE.length)), context)
    expect(await stream.text()).toContain('event: complete')
    expect((await GET(request('GET', ''), context)).headers.get('content-type')).toContain('text/html')
    const evil = await POST(request('POST', '', { Origin: 'http://evil.example' }, ALL), context)
    expect(evil.status).toBe(403)
  })
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
    expires_at: null,
    tables: service.tables,
  })
})
