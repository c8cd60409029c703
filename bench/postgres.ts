import { sql } from 'kysely'
import pg from 'pg'
import { INSTANTS, type Tables } from '../examples/productivity/schema/tables.ts'
import { openPostgres } from '../examples/shared/database/postgres.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { benchQueues } from './postgres/queues.ts'
import { prepareSession, statementsFor } from './postgres/set-based-sql.ts'
import { benchGenerated } from './server/bench-server.ts'
import { setBased } from './server/set-based.ts'

/** The reference back end, and durable jobs, on PostgreSQL against everything that one would otherwise do. */
export async function benchPostgres(): Promise<void> {
  const started = await startPostgres()
  try {
    await benchQueues(started.url)
    await benchGenerated(
      {
        name: 'PostgreSQL',
        url: started.url,
        pid: Number.NaN, // a process per session: no single one tells what the server used
        open: (url) => openPostgres<Tables>(url, INSTANTS),
        analyze: async (db) => void (await sql`vacuum analyze`.execute(db)),
        setBased: setBased({ connect, prepareSession, statementsFor }),
      },
      150,
    )
  } finally {
    await started.stop()
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return client
}
