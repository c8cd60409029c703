import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import pg from 'pg'
import { openMysql } from '../../examples/shared/database/mysql.ts'
import { openSqlite } from '../../examples/shared/database/sqlite.ts'
import { startMariadb } from '../../test/support/mariadb-server.ts'
import { postgresKysely } from '../../test/support/postgres-kysely.ts'
import { startPostgres } from '../../test/support/postgres-server.ts'

/** A server for the length of a bench, and the outbox that one would write by hand on it. */
export interface LedgerDatabase {
  readonly name: string
  open<Tables>(): Kysely<Tables>
  /** A connection to listen on, where the database tells of anything. */
  readonly listen?: () => Promise<pg.Client>
  readonly outbox: { readonly table: string; readonly create: readonly string[]; readonly drop: readonly string[] }
}

const COLUMNS = 'tenant_id varchar(40), employee_id varchar(40), come bigint, go bigint'
const INSERT =
  'insert into outbox (tenant_id, employee_id, come, go) values (new.tenant_id, new.employee_id, new.come, new.go)'

/** A new database on each of the three, one after the other; its server ends when the next one is asked for. */
export async function* ledgerDatabases(): AsyncGenerator<LedgerDatabase> {
  yield* sqlite()
  yield* mariadb()
  yield* postgres()
}

async function* sqlite(): AsyncGenerator<LedgerDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'recalc-bench-'))
  yield {
    name: 'SQLite',
    open: <Tables>() => openSqlite<Tables>(join(folder, 'database')),
    outbox: {
      table: `create table outbox (id integer primary key autoincrement, ${COLUMNS})`,
      create: [`create trigger outboxed after insert on bookings begin ${INSERT}; end`],
      drop: ['drop trigger outboxed'],
    },
  }
  rmSync(folder, { recursive: true })
}

async function* mariadb(): AsyncGenerator<LedgerDatabase> {
  const server = await startMariadb({ settings: ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=256M'] })
  try {
    const first = await openMysql<never>(`${server.url}/bench`, new Set())
    yield {
      name: 'MariaDB',
      open: <Tables>() => first as unknown as Kysely<Tables>,
      outbox: {
        table: `create table outbox (id bigint primary key auto_increment, ${COLUMNS})`,
        create: [`create trigger outboxed after insert on bookings for each row ${INSERT}`],
        drop: ['drop trigger outboxed'],
      },
    }
  } finally {
    await server.stop()
  }
}

async function* postgres(): AsyncGenerator<LedgerDatabase> {
  const server = await startPostgres()
  try {
    const url = `${server.url}/postgres`
    yield {
      name: 'PostgreSQL',
      open: <Tables>() => postgresKysely<Tables>(url).kysely,
      async listen() {
        const client = new pg.Client(url)
        await client.connect()
        return client
      },
      outbox: {
        table: `create table outbox (id bigint generated always as identity primary key, ${COLUMNS})`,
        create: [
          `create or replace function outboxed() returns trigger language plpgsql as $$ begin ${INSERT}; return null; end $$`,
          'create trigger outboxed after insert on bookings for each row execute function outboxed()',
        ],
        drop: ['drop trigger outboxed on bookings'],
      },
    }
  } finally {
    await server.stop()
  }
}
