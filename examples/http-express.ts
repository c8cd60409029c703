// The API in an Express app that knows its callers already. Run it: npm run build && npx node examples/http-express.ts
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { createRecalcApi } from 'recalc-service/http'
import { recalc } from './http/service.ts'
import { recalculate } from './http/watch-job.ts'

const BASE = '/api/system/recalculate'

// Stands for the host's own sessions or tokens.
const users = new Map([['token-of-ada', { tenants: ['acme'], isAdministrator: true }]])

const api = createRecalcApi(recalc, {
  authorize(request) {
    const user = users.get(request.headers.get('X-API-Key') ?? '')
    return user ? { tenants: user.tenants, actions: user.isAdministrator ? '*' : ['read'] } : null
  },
})

const app = express()
// `all`, not `use`, which would take the path away; and before express.json(), which would read the bodies.
app.all([BASE, `${BASE}/*path`], getRequestListener(api.fetch))
app.use(express.json())
app.get('/', (_, response) => void response.send('the rest of the application'))

const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe

await recalculate(`http://127.0.0.1:${port}${BASE}`, 'token-of-ada', {
  start_date: '2025-03-01',
  end_date: '2025-03-31',
})
await recalc.stop() // ends the streams too
server.close()
