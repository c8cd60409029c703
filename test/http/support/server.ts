import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { onTestFinished } from 'vitest'

/** The path below which everything is. */
export const BASE = '/api/system/recalculate'

/** A server on this machine that is gone when the test is over. */
export async function serve(listener: RequestListener): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

/** A handler of web-standard requests as one of node:http, which leaves the test's own globals alone. */
export function listenerOf(fetch: (request: Request) => Promise<Response>): RequestListener {
  return getRequestListener(fetch, { overrideGlobalObjects: false })
}
