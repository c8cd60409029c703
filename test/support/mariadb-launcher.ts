import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { type MariadbServer, startMariadb } from './mariadb-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Gives the URL of the test run's server, which it starts when it is first asked. */
    readonly mariadbLauncher: string
  }
}

/**
 * Vitest's global setup: one MariaDB for all test files of a run, started when the first of them asks for it, so that a
 * run without any costs nothing. RECALC_TEST_MYSQL_URL points at another server instead.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<MariadbServer> | undefined
  const urlOfServer = async () => {
    if (process.env.RECALC_TEST_MYSQL_URL) return process.env.RECALC_TEST_MYSQL_URL
    server ??= startMariadb({ durable: false })
    return (await server).url
  }
  const launcher = createServer((_, response) => {
    urlOfServer().then(
      (url) => response.end(url),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    )
  })
  await new Promise<void>((resolve) => launcher.listen(0, '127.0.0.1', resolve))
  const { port } = launcher.address() as AddressInfo
  project.provide('mariadbLauncher', `http://127.0.0.1:${port}`)
  return async () => {
    launcher.closeAllConnections()
    launcher.close()
    await (await server?.catch(() => undefined))?.stop()
  }
}
