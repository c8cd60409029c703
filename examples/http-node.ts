// The API on plain node:http. Run it: npm run build && npx node examples/http-node.ts
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { recalc } from './http/service.ts'
import { recalculate } from './http/watch-job.ts'

const KEY = 'demo-key' // of the environment, in earnest
const api = createRecalcApi(recalc, {
  authorize: apiKeys({ [KEY]: { tenants: ['acme'], actions: '*' } }),
  basePath: '/recalculations',
})

const server = createServer(getRequestListener(api.fetch)).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo // it listens on a port, not on a pipe
console.log('the console is there, too, for as long as the server runs')

await recalculate(`http://127.0.0.1:${port}/recalculations`, KEY, { start_date: '2025-03-01', end_date: '2025-03-31' })
await recalc.stop() // ends the streams too
server.close()
