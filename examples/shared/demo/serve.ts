import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Logger, RecalcService } from 'recalc-service'
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { UsageError } from './usage-error.ts'

const BASE_PATH = '/api/system/recalculate'

/** Takes jobs over HTTP, with a console page, on this machine only and with a key that is made for this once; until Ctrl-C. */
export async function serveUntilInterrupted<Tx>(
  recalc: RecalcService<Tx>,
  port: number,
  { tenantId, logger }: { readonly tenantId: string; readonly logger: Logger },
): Promise<void> {
  const key = randomBytes(16).toString('base64url')
  const api = createRecalcApi(recalc, {
    authorize: apiKeys({ [key]: { tenants: [tenantId], actions: '*' } }),
    basePath: BASE_PATH,
    cooldownMs: 0, // who tries things out should not have to wait between two jobs
    logger,
  })
  const server = createServer(getRequestListener(api.fetch))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening').catch((error: Error) => {
    throw new UsageError(`Expected --port to be one that can be listened on, got ${port}: ${error.message}`)
  })
  await recalc.start()
  const { port: taken } = server.address() as AddressInfo // a server on a port has one
  console.log(`Console: http://127.0.0.1:${taken}${BASE_PATH}`)
  console.log(`API key: ${key}   Tenant: ${tenantId}   (Ctrl-C ends it)`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  // Streams end with the service; whoever watches comes back when it is up again.
  await recalc.stop()
  server.close()
  server.closeAllConnections()
}
