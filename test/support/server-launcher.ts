import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { startChromium } from './chromium-server.ts'
import { startMariadb } from './mariadb-server.ts'
import { startPostgres } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Each gives the URL of the test run's server, which it starts when it is first asked. */
    readonly mariadbLauncher: string
    readonly postgresLauncher: string
    readonly chromiumLauncher: string
  }
}

interface Started {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Vitest's global setup: one server of each kind for all test files of a run, started when the first of them asks for it,
 * so that a run without any costs nothing. Environment variables point at other servers instead.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const mariadb = await launcherOf(process.env.RECALC_TEST_MYSQL_URL, () => startMariadb({ durable: false }))
  const postgres = await launcherOf(process.env.RECALC_TEST_POSTGRES_URL, startPostgres)
  const chromium = await launcherOf(undefined, startChromium)
  project.provide('chromiumLauncher', chromium.url)
  project.provide('mariadbLauncher', mariadb.url)
  project.provide('postgresLauncher', postgres.url)
  return async () => {
    await mariadb.end()
    await postgres.end()
    await chromium.end()
  }
}

async function launcherOf(
  given: string | undefined,
  start: () => Promise<Started>,
): Promise<{ readonly url: string; end(): Promise<void> }> {
  let server: Promise<Started> | undefined
  const urlOfServer = async () => {
    if (given) return given
    server ??= start()
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
  return {
    url: `http://127.0.0.1:${port}`,
    async end() {
      launcher.closeAllConnections()
      launcher.close()
      await (await server?.catch(() => undefined))?.stop()
    },
  }
}
