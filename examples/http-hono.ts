// The API in a Hono app, among its other routes. Run it: npm run build && npx node examples/http-hono.ts
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { recalc } from './http/service.ts'
import { recalculate } from './http/watch-job.ts'

const KEY = 'demo-key' // of the environment, in earnest
const api = createRecalcApi(recalc, { authorize: apiKeys({ [KEY]: { tenants: ['acme'], actions: '*' } }) })

const app = new Hono()
app.get('/', ({ text }) => text('the rest of the application'))
app.all('/api/system/recalculate/*', ({ req }) => api.fetch(req.raw))

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, async ({ port }) => {
  const days = { start_date: '2025-03-01', end_date: '2025-03-31' }
  await recalculate(`http://127.0.0.1:${port}/api/system/recalculate`, KEY, days)
  await recalc.stop() // ends the streams too
  server.close()
})
