import { type Kysely, sql } from 'kysely'
import { installCapture, sqlBackend, uninstallCapture } from 'recalc-service/sql'
import { median } from '../measure.ts'
import { type LedgerDatabase, ledgerDatabases } from './databases.ts'
import { benchNote } from './note.ts'

const ROWS = 100_000
/** How often each way is taken; what takes minutes, once. */
const ROUNDS = { oneByOne: 1, atOnce: 3 }

interface Tables {
  bookings: { id: number; tenant_id: string; employee_id: string; come: number; go: number }
  outbox: { id: number }
  recalc_changes: { id: number }
}

/** What a writer pays for being captured, against an outbox trigger that one would write by hand, and for `noteChange`. */
export async function benchCapture(): Promise<void> {
  for await (const database of ledgerDatabases()) {
    const db = database.open<Tables>()
    await sql`create table bookings (id integer not null primary key, tenant_id varchar(40) not null,
      employee_id varchar(40) not null, come bigint not null, go bigint not null)`.execute(db)
    await sql.raw(database.outbox.table).execute(db)
    await sqlBackend(db).migrate()
    console.log(`\n(l) capture: ${ROWS.toLocaleString('en')} rows inserted on ${database.name}`)
    await compare('one by one, 1,000 in a transaction', database, db, oneByOne, ROUNDS.oneByOne)
    await compare('by one statement', database, db, atOnce, ROUNDS.atOnce)
    await benchNote(db)
    await db.destroy()
  }
}

async function compare(
  what: string,
  { outbox }: LedgerDatabase,
  db: Kysely<Tables>,
  insert: (db: Kysely<Tables>) => Promise<void>,
  rounds: number,
): Promise<void> {
  const source = { tenant: 'tenant_id', employee: 'employee_id', instants: ['come', 'go'] } as const
  const ways: Record<string, [() => Promise<void>, () => Promise<void>]> = {
    'no trigger': [async () => {}, async () => {}],
    'an outbox trigger by hand': [() => run(db, outbox.create), () => run(db, outbox.drop)],
    installCapture: [() => installCapture(db, { bookings: source }), () => uninstallCapture(db)],
  }
  const times = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [name, [install, uninstall]] of Object.entries(ways)) {
      for (const table of ['bookings', 'outbox', 'recalc_changes'] as const) await db.deleteFrom(table).execute()
      await install()
      const begin = performance.now()
      await insert(db)
      times.set(name, [...(times.get(name) ?? []), performance.now() - begin])
      await uninstall()
    }
  }
  const bare = median(times.get('no trigger') ?? [])
  for (const [name, own] of times) {
    const ms = median(own)
    console.log(
      `  ${what.padEnd(36)} ${name.padEnd(28)} ${Math.round(ms).toString().padStart(7)} ms ${(ms / bare).toFixed(2).padStart(6)} x`,
    )
  }
}

async function run(db: Kysely<Tables>, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const row = (id: number) => ({
  id,
  tenant_id: 'acme',
  employee_id: `employee ${id % 1_000}`,
  come: 1_740_000_000_000 + id * 6_000,
  go: 1_740_000_000_000 + id * 6_000 + 28_800_000,
})

async function oneByOne(db: Kysely<Tables>): Promise<void> {
  for (let first = 0; first < ROWS; first += 1_000) {
    await db.transaction().execute(async (tx) => {
      for (let id = first; id < first + 1_000; id++) await tx.insertInto('bookings').values(row(id)).execute()
    })
  }
}

async function atOnce(db: Kysely<Tables>): Promise<void> {
  const text =
    sql.raw(`with recursive numbers (i) as (select 0 union all select i + 1 from numbers where i < ${ROWS - 1})
    select i, 'acme', concat('employee ', i % 1000), 1740000000000 + i * 6000, 1740028800000 + i * 6000 from numbers`)
  await db.connection().execute(async (one) => {
    // MariaDB's own limit of such a loop is lower.
    await sql`set max_recursive_iterations = ${sql.lit(ROWS)}`.execute(one).catch(() => {})
    await sql`insert into bookings (id, tenant_id, employee_id, come, go) ${text}`.execute(one)
  })
}
