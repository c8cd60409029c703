import { createConnection } from 'mysql2/promise'
import { INSTANTS, type Tables } from '../examples/productivity/schema/tables.ts'
import { openMysql } from '../examples/shared/database/mysql.ts'
import { startMariadb } from '../test/support/mariadb-server.ts'
import { prepareSession, statementsFor } from './mariadb/set-based-sql.ts'
import { type BenchedServer, benchGenerated, benchReal } from './server/bench-server.ts'
import { MARIADB_SETTINGS } from './server/generated.ts'
import { setBased } from './server/set-based.ts'

/** The same for everybody: memory for all of the data, commits that survive the server's death, no waiting for the disk. */

/** The reference back end on MariaDB against everything that one would otherwise do. */
export async function benchMariadb(): Promise<void> {
  const started = await startMariadb({ settings: MARIADB_SETTINGS })
  const server: BenchedServer = {
    name: 'MariaDB',
    url: started.url,
    pid: started.pid,
    open: (url) => openMysql<Tables>(url, INSTANTS),
    analyze: async () => {}, // InnoDB counts by itself
    setBased: setBased({ connect: (uri) => createConnection({ uri }), prepareSession, statementsFor }),
  }
  try {
    await benchGenerated(server)
    await benchReal(server)
  } finally {
    await started.stop()
  }
}
