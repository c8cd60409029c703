import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { apiKeys, createRecalcApi, type RecalcForApi } from '../../src/http/index.ts'

export const KEY = 'a-key-for-everything'
export const READER_KEY = 'a-key-for-reading'
/** Sees what would change and what is owed, and changes nothing. */
export const AUDITOR_KEY = 'a-key-for-looking-twice'
const BASE_PATH = '/ops/recalc'

/** A host that serves the API and its console on a port of 127.0.0.1. */
export interface ConsoleHost {
  readonly origin: string
  readonly url: string
  /** Ends every connection, as a server does that is restarted. */
  stop(): Promise<void>
  /** On the same port again; with another service when the process is to be thought of as a new one. */
  start(recalc?: RecalcForApi): Promise<void>
}

export async function consoleHost(
  recalc: RecalcForApi,
  options: { readonly tenants?: readonly string[] | '*'; readonly cooldownMs?: number } = {},
): Promise<ConsoleHost> {
  const { tenants = ['acme'], cooldownMs = 0 } = options
  const authorize = apiKeys({
    [KEY]: { tenants, actions: '*' },
    [READER_KEY]: { tenants, actions: ['read'] },
    [AUDITOR_KEY]: { tenants, actions: ['read', 'preview', 'corrections'] },
  })
  let server: Server
  let port = 0
  const start = async (served: RecalcForApi = recalc) => {
    const api = createRecalcApi(served, { authorize, basePath: BASE_PATH, cooldownMs })
    server = createAdaptorServer({ fetch: api.fetch }) as Server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    port = (server.address() as AddressInfo).port
  }
  await start()
  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    url: origin + BASE_PATH,
    start,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
