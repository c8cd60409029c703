// The API in a Fastify app, among its other routes. Run it: npm run build && npx node examples/http-fastify.ts
import { getRequestListener } from '@hono/node-server'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { recalc } from './http/service.ts'
import { recalculate } from './http/watch-job.ts'

const BASE = '/api/system/recalculate'
const KEY = 'demo-key' // of the environment, in earnest
const api = createRecalcApi(recalc, { authorize: apiKeys({ [KEY]: { tenants: ['acme'], actions: '*' } }) })

async function recalculations(scope: FastifyInstance): Promise<void> {
  // Fastify reads bodies before a handler sees them, and only for its own handlers. In this scope it leaves them alone.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
  const listener = getRequestListener(api.fetch)
  const handle = async (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack() // the API answers by itself
    await listener(request.raw, reply.raw)
  }
  scope.all(BASE, handle)
  scope.all(`${BASE}/*`, handle)
}

const app = fastify()
app.register(recalculations)
app.get('/', async () => 'the rest of the application')
const url = await app.listen({ host: '127.0.0.1', port: 0 })

await recalculate(`${url}${BASE}`, KEY, { start_date: '2025-03-01', end_date: '2025-03-31' })
await recalc.stop() // ends the streams too
await app.close()
