import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { InvalidOptionsError, RecalcService } from 'recalc-service'
import { recalcMigrations, sqlBackend } from 'recalc-service/sql'
import { describe, expect, test } from 'vitest'
import type { ChangesTable } from '../../src/sql/changes/changes-table.ts'
import type {
  EventsTable,
  FailuresTable,
  JobEmployeesTable,
  JobsTable,
  LanesTable,
  LocksTable,
  RecalcTables,
} from '../../src/sql/tables.ts'
import type { StatementHook } from '../support/crash-database.ts'
import { engines } from './support/engines.ts'
import { type StoredTable, storedTables } from './support/schema.ts'

/** The columns of a table's type: the compiler sees to it that none is missing, none is made up, and what may be null. */
type Columns<Table> = { readonly [Column in keyof Table]-?: null extends Table[Column] ? 'null' : 'not null' }

const counters = {
  processed_days: 'not null',
  unchanged_days: 'not null',
  skipped_days: 'not null',
  failed_days: 'not null',
  error_count: 'not null',
} as const

const jobs: Columns<JobsTable> = {
  id: 'not null',
  claim_id: 'not null',
  tenant_hash: 'not null',
  scope_hash: 'null',
  status: 'not null',
  created_at: 'not null',
  finished_at: 'null',
  body: 'not null',
  errors: 'null',
  total_days: 'not null',
  ...counters,
  steps: 'not null',
  dispatched_through: 'not null',
  all_dispatched: 'not null',
  tenant_stages_done: 'not null',
  next_lane_id: 'not null',
  last_seq: 'not null',
  last_failure: 'not null',
  lease_token: 'not null',
  lease_expires_at: 'not null',
  cancel: 'null',
}
const job_employees: Columns<JobEmployeesTable> = { job_id: 'not null', part: 'not null', employee_ids: 'not null' }
const lanes: Columns<LanesTable> = {
  job_id: 'not null',
  lane_id: 'not null',
  kind: 'not null',
  from_date: 'not null',
  to_date: 'not null',
  lease_token: 'not null',
  steps: 'not null',
  employee_ids: 'not null',
  dates_done: 'not null',
  finished: 'not null',
  ...counters,
}
const failures: Columns<FailuresTable> = {
  number: 'not null',
  job_id: 'not null',
  failure_hash: 'not null',
  employee_hash: 'null',
  body: 'not null',
}
const events: Columns<EventsTable> = { job_id: 'not null', seq: 'not null', body: 'not null' }
const locks: Columns<LocksTable> = { lock_hash: 'not null' }

const changes: Columns<ChangesTable> = {
  id: 'not null',
  state: 'not null',
  tenant_hash: 'not null',
  employee_hash: 'not null',
  noted_at: 'not null',
  due_at: 'not null',
  body: 'not null',
}

const expected: { readonly [Name in keyof RecalcTables | 'changes']: StoredTable } = {
  changes: {
    columns: changes,
    indexes: ['index (due_at)', 'index (state, tenant_hash, employee_hash)', 'primary (id)'],
  },
  jobs: {
    columns: jobs,
    indexes: [
      'index (created_at)',
      'index (finished_at)',
      'index (scope_hash, created_at)',
      'index (scope_hash, status)',
      'index (status, created_at)',
      'index (status, lease_expires_at)',
      'index (tenant_hash, created_at)',
      'index (tenant_hash, status, created_at)',
      'primary (id)',
    ],
  },
  job_employees: { columns: job_employees, indexes: ['primary (job_id, part)'] },
  lanes: { columns: lanes, indexes: ['primary (job_id, lane_id)'] },
  failures: {
    columns: failures,
    indexes: ['index (job_id, employee_hash)', 'primary (job_id, number)', 'unique (job_id, failure_hash)'],
  },
  events: { columns: events, indexes: ['primary (job_id, seq)'] },
  locks: { columns: locks, indexes: ['primary (lock_hash)'] },
}

const ownTables = Object.keys(expected)

/** Only the tables that the library works with, without those in which Kysely keeps its migrations. */
async function libraryTables(kysely: Kysely<never>, prefix = 'recalc_') {
  const all = await storedTables(kysely, prefix)
  return Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('migrations')))
}

/** Lets a process "die" in front of a statement: it is not run, nor is any that follows. */
function diesBefore(last: number): { readonly hook: StatementHook; readonly seen: () => number } {
  let seen = 0
  const hook: StatementHook = (statement, run) => {
    seen += 1
    // What a dead process had begun the database takes back.
    if (seen >= last && statement !== 'rollback') throw new Error('died')
    return run()
  }
  return { hook, seen: () => seen }
}

function migratorOf(kysely: Kysely<never>, migrations: Record<string, Migration>): Migrator {
  return new Migrator({ db: kysely, provider: { getMigrations: async () => migrations } })
}

describe.each(engines)('the schema on $name', async ({ open }) => {
  const database = await open()

  test('is what the types of the tables say', async () => {
    const kysely = database.connect<never>()
    await sqlBackend(kysely).migrate()
    expect(await libraryTables(kysely)).toEqual(expected)
  })

  test('stays as it is when it is migrated again', async () => {
    const kysely = database.connect<never>()
    await sqlBackend(kysely).migrate()
    await sql`insert into recalc_locks (lock_hash) values ('kept')`.execute(kysely)
    await sqlBackend(kysely).migrate()
    const { rows } = await sql`select lock_hash from recalc_locks`.execute(kysely)
    expect(rows).toEqual([{ lock_hash: 'kept' }])
  })

  test('is made once by many clients that migrate at the same time', async () => {
    const clients = Array.from({ length: 5 }, () => database.connect<never>())
    await Promise.all(clients.map((kysely) => sqlBackend(kysely, { prefix: 'crowd_' }).migrate()))
    expect(await libraryTables(clients[0]!, 'crowd_')).toEqual(expected)
  })

  test('is finished by whoever comes after a process that died in the middle', async () => {
    const kysely = database.connect<never>()
    const migrations = recalcMigrations('torn_')
    const { down } = migrations.torn_0001_jobs!
    const up = async (client: Kysely<never>, finished: Set<string>) => {
      for (const [name, migration] of Object.entries(migrations)) {
        if (finished.has(name)) continue
        await migration.up(client)
        finished.add(name)
      }
    }
    const whole = diesBefore(Number.POSITIVE_INFINITY)
    await up(database.connect(whole.hook), new Set())
    expect(whole.seen()).toBeGreaterThan(10)
    for (let statement = 2; statement <= whole.seen(); statement += 3) {
      await down!(kysely)
      const finished = new Set<string>()
      await expect(up(database.connect(diesBefore(statement).hook), finished)).rejects.toThrow('died')
      await up(kysely, finished)
      expect(await libraryTables(kysely, 'torn_')).toEqual(expected)
    }
  })

  test('stands beside another one under a different prefix, and works', async () => {
    const kysely = database.connect<never>()
    const backend = sqlBackend(kysely, { prefix: 'payroll_Recalc_' })
    await backend.migrate()
    expect(await libraryTables(kysely, 'payroll_Recalc_')).toEqual(expected)
    const dailyCalc = { async calculateDay() {} }
    const recalc = new RecalcService({ dailyCalc, employees: { listEmployees: async () => [] }, backend })
    const job = await recalc.triggerRecalcAsync({ tenantId: 'acme', employeeId: '7', date: '2025-01-01' })
    expect((await job.result).status).toBe('completed')
    const others = await sqlBackend(kysely).jobs.list({})
    expect(others).toEqual([])
  })

  test("is made and unmade by a host's own Migrator, between the host's own migrations", async () => {
    const kysely = database.connect<never>()
    const host: Record<string, Migration> = {
      '2024_people': {
        up: (db) => db.schema.createTable('people').addColumn('id', 'integer').execute(),
        down: (db) => db.schema.dropTable('people').execute(),
      },
    }
    const migrator = migratorOf(kysely, { ...host, ...recalcMigrations('host_') })
    const up = await migrator.migrateToLatest()
    expect(up.error).toBeUndefined()
    expect(up.results?.map(({ migrationName }) => migrationName)).toEqual([
      '2024_people',
      'host_0001_jobs',
      'host_0002_run_record',
      'host_0003_changes',
    ])
    expect(Object.keys(await libraryTables(kysely, 'host_')).sort()).toEqual([...ownTables].sort())
    const down = await migrator.migrateTo('2024_people')
    expect(down.error).toBeUndefined()
    expect(await libraryTables(kysely, 'host_')).toEqual({})
    expect((await migrator.migrateToLatest()).error).toBeUndefined()
    expect(await libraryTables(kysely, 'host_')).toEqual(expected)
  })

  test('has migrations that the next version can add to: migrate() runs what is new and nothing else', async () => {
    const kysely = database.connect<never>()
    await sqlBackend(kysely, { prefix: 'next_' }).migrate()
    const migrator = new Migrator({
      db: kysely,
      provider: { getMigrations: async () => recalcMigrations('next_') },
      migrationTableName: 'next_migrations',
      migrationLockTableName: 'next_migrations_lock',
    })
    expect((await migrator.getMigrations()).map(({ name, executedAt }) => [name, executedAt !== undefined])).toEqual([
      ['next_0001_jobs', true],
      ['next_0002_run_record', true],
      ['next_0003_changes', true],
    ])
    expect(await migrator.migrateToLatest()).toEqual({ results: [] })
  })
})

test.each(['', '1st_', 'a b', 'recalc-', "recalc'; drop table jobs; --", 'x'.repeat(32), null, 7])(
  'a prefix that is no plain identifier is refused wherever it is given: %j',
  (prefix) => {
    expect(() => recalcMigrations(prefix as string)).toThrow(InvalidOptionsError)
  },
)
