import { startMariadb } from '../../test/support/mariadb-server.ts'
import { startPostgres } from '../../test/support/postgres-server.ts'
import { startRedis } from '../../test/support/redis-server.ts'
import type { Place } from './office.ts'

const databases = { mariadb: startMariadb, postgres: startPostgres }

/** What `--database` may be besides a URL. */
export type DatabaseName = keyof typeof databases

export function isDatabaseName(text: string): text is DatabaseName {
  return text in databases
}

/** Servers of one's own where no URL is given, as the tests start them; their data goes with them. */
export async function startServers(
  database: string,
  redis: string | undefined,
): Promise<Place & { stop(): Promise<void> }> {
  const own: { stop(): Promise<void> }[] = []
  const started = async <Server extends { readonly url: string; stop(): Promise<void> }>(start: Promise<Server>) => {
    const server = await start
    own.push(server)
    return server.url
  }
  try {
    return {
      database: isDatabaseName(database) ? `${await started(databases[database]())}/cluster` : database,
      redis: redis ?? (await started(startRedis())),
      stop: async () => void (await Promise.all(own.map((server) => server.stop()))),
    }
  } catch (error) {
    for (const server of own) await server.stop()
    throw error
  }
}
