import { type Database, INSTANTS, type Tables } from '../../examples/productivity/schema/tables.ts'
import { openMysql } from '../../examples/shared/database/mysql.ts'
import { openPostgres } from '../../examples/shared/database/postgres.ts'
import { startMariadb } from '../../test/support/mariadb-server.ts'
import { startPostgres } from '../../test/support/postgres-server.ts'
import { MARIADB_SETTINGS } from './generated.ts'

/** A database of the reference back end. */
export interface BenchServer {
  readonly name: string
  readonly url: string
  readonly db: Database
}

/** Does something with an empty database of this name on a MariaDB, then on a PostgreSQL. */
export async function onServers(database: string, work: (server: BenchServer) => Promise<void>): Promise<void> {
  const engines = [
    { name: 'MariaDB', start: () => startMariadb({ settings: MARIADB_SETTINGS }), open: openMysql },
    { name: 'PostgreSQL', start: startPostgres, open: openPostgres },
  ]
  for (const { name, start, open } of engines) {
    const server = await start()
    try {
      const url = `${server.url}/${database}`
      const db = await open<Tables>(url, INSTANTS)
      await work({ name, url, db })
      await db.destroy()
    } finally {
      await server.stop()
    }
  }
}
