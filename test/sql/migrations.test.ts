import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { BackendUnavailableError, InvalidOptionsError, RecalcService } from 'recalc-service'
import { recalcMigrations, sqlBackend } from 'recalc-service/sql'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ChangesTable } from '../../src/sql/changes/changes-table.ts'
import type { CorrectionsTable } from '../../src/sql/corrections/corrections-table.ts'
import type { HistoryTable } from '../../src/sql/history/history-table.ts'
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
import { type Gate, gate } from '../support/gate.ts'
import { withDatabase } from '../support/mariadb.ts'
import { postgresDatabase, postgresKysely, startPgbouncer } from '../support/postgres.ts'
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
  processed_periods: 'not null',
  unchanged_periods: 'not null',
  skipped_periods: 'not null',
  failed_periods: 'not null',
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
  pause_requested: 'not null',
  queue_hash: 'null',
  queue_order: 'not null',
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
  stage: 'null',
  finished: 'not null',
  claim_id: 'not null',
  claimed_until: 'not null',
  claims: 'not null',
  stopping: 'not null',
  notice: 'null',
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
const locks: Columns<LocksTable> = {
  lock_hash: 'not null',
  taken: 'not null',
  reserved_by: 'null',
  reserved_until: 'not null',
}

const changes: Columns<ChangesTable> = {
  id: 'not null',
  state: 'not null',
  tenant_hash: 'not null',
  employee_hash: 'not null',
  noted_at: 'not null',
  due_at: 'not null',
  body: 'not null',
}

const history: Columns<HistoryTable> = {
  id: 'not null',
  employee_hash: 'not null',
  run_id: 'not null',
  first_date: 'not null',
  last_date: 'not null',
  kept_at: 'not null',
  body: 'not null',
}

const corrections: Columns<CorrectionsTable> = {
  correction: 'not null',
  employee_hash: 'not null',
  first_date: 'not null',
  last_date: 'not null',
  is_last: 'not null',
  body: 'not null',
}

const expected: { readonly [Name in keyof RecalcTables | 'changes' | 'history' | 'corrections']: StoredTable } = {
  corrections: {
    columns: corrections,
    indexes: ['index (employee_hash, is_last, first_date, last_date)', 'primary (correction)'],
  },
  history: {
    columns: history,
    indexes: [
      'index (employee_hash, id, first_date, last_date)',
      'index (kept_at)',
      'index (run_id, id)',
      'primary (id)',
    ],
  },
  changes: {
    columns: changes,
    indexes: ['index (due_at)', 'index (state, tenant_hash, employee_hash, id)', 'primary (id)'],
  },
  jobs: {
    columns: jobs,
    indexes: [
      'index (created_at)',
      'index (finished_at)',
      'index (queue_hash, queue_order)',
      'index (scope_hash, created_at)',
      'index (scope_hash, status, queue_order)',
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

function migratorOf(kysely: Kysely<never>, migrations: Record<string, Migration>): Migrator {
  return new Migrator({ db: kysely, provider: { getMigrations: async () => migrations } })
}

/** A client's hook that holds it up once it has added a column. */
function pausesAfterAdding(column: string): { readonly hook: StatementHook; readonly middle: Gate } {
  const middle = gate()
  return {
    middle,
    async hook(statement, run) {
      const result = await run()
      if (statement.startsWith('alter table') && statement.includes(column)) await middle.pass()
      return result
    },
  }
}

describe.each(engines)('the schema on $name', async ({ name, open }) => {
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

  test('is left alone by a client that comes while another one is in the middle of a migration', async () => {
    const first = pausesAfterAdding('taken')
    const second = pausesAfterAdding('reserved_until')
    const clients = [first, second].map(({ hook }) => database.connect<never>(hook))
    // Both share one event loop: whoever blocked it would wait for itself.
    if (name === 'SQLite') await Promise.all(clients.map((kysely) => sql`pragma busy_timeout = 0`.execute(kysely)))
    const migrating = clients[0]!
    const made = sqlBackend(migrating, { prefix: 'turn_' }).migrate()
    await first.middle.arrived
    const waited = sqlBackend(clients[1]!, { prefix: 'turn_' }).migrate()
    await Promise.race([second.middle.arrived, setTimeout(200)])
    first.middle.open()
    const outcome = await Promise.allSettled([made])
    second.middle.open()
    expect([...outcome, ...(await Promise.allSettled([waited]))].map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
    ])
    expect(await libraryTables(migrating, 'turn_')).toEqual(expected)
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
      'host_0004_periods',
      'host_0005_history',
      'host_0006_queue',
      'host_0007_lane_claims',
      'host_0008_corrections',
      'host_0009_cluster_locks',
      'host_0010_changes_page',
    ])
    expect(Object.keys(await libraryTables(kysely, 'host_')).sort()).toEqual([...ownTables].sort())
    const down = await migrator.migrateTo('2024_people')
    expect(down.error).toBeUndefined()
    expect(await libraryTables(kysely, 'host_')).toEqual({})
    expect((await migrator.migrateToLatest()).error).toBeUndefined()
    expect(await libraryTables(kysely, 'host_')).toEqual(expected)
  })

  test("lets the host's next release add migrations that sort before the library's, when it allows unordered ones", async () => {
    const kysely = database.connect<never>()
    const adding = (name: string): Migration => ({
      up: (db) => db.schema.createTable(name).addColumn('id', 'integer').execute(),
    })
    const first = { '2024_one': adding('release_one'), ...recalcMigrations('release_') }
    const second = { ...first, '2025_two': adding('release_two') }
    // A host's Migrator keeps its own list of what was run; other tests of this file have theirs in the same database.
    const migrate = (migrations: Record<string, Migration>, allowUnorderedMigrations: boolean) =>
      new Migrator({
        db: kysely,
        provider: { getMigrations: async () => migrations },
        migrationTableName: 'release_host',
        migrationLockTableName: 'release_host_lock',
        allowUnorderedMigrations,
      }).migrateToLatest()
    expect((await migrate(first, true)).error).toBeUndefined()
    expect((await migrate(second, false)).error).toMatchObject({
      message: expect.stringMatching(/corrupted migrations/),
    })
    expect((await migrate(second, true)).results).toMatchObject([{ migrationName: '2025_two', status: 'Success' }])
  })

  test.each([
    ['lanes', 'lane_id'],
    ['changes', 'tenant_hash'],
    ['history', 'employee_hash'],
    ['corrections', 'correction'],
    ['migrations', 'name'],
    ['migrations_lock', 'is_locked'],
  ])('takes no table of the name of %s for its own that is not', async (end, missing) => {
    const kysely = database.connect<never>()
    const prefix = `foreign_${end}_`
    await kysely.schema.createTable(`${prefix}${end}`).addColumn('job_id', 'integer').execute()
    const migrated = sqlBackend(kysely, { prefix }).migrate()
    const error = await migrated.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InvalidOptionsError)
    expect(String(error)).toMatch(
      new RegExp(`Expected the table ${prefix}${end} to be recalc-service's own, got one without .*\\b${missing}\\b`),
    )
  })

  test('says so when another migrator has made its tables', async () => {
    const kysely = database.connect<never>()
    await sqlBackend(kysely, { prefix: 'two_' }).migrate()
    const { error } = await new Migrator({
      db: kysely,
      provider: { getMigrations: async () => recalcMigrations('two_') },
      migrationTableName: 'two_host',
      migrationLockTableName: 'two_host_lock',
    }).migrateToLatest()
    expect(error).toBeInstanceOf(InvalidOptionsError)
    expect(String(error)).toContain('go on with the one that made it')
  })

  test('tries what cannot succeed only once', async () => {
    let tries = 0
    const hook: StatementHook = (statement, run) => {
      if (!statement.startsWith('create table') || !statement.includes('refused_jobs')) return run()
      tries += 1
      throw new Error('permission denied')
    }
    const migrated = sqlBackend(database.connect<never>(hook), { prefix: 'refused_' }).migrate()
    await expect(migrated).rejects.toThrow('permission denied')
    expect(tries).toBe(1)
  })

  test('says that the database is not available when it stays busy', async () => {
    let tries = 0
    const hook: StatementHook = (statement, run) => {
      if (!statement.startsWith('create table') || !statement.includes('busy_jobs')) return run()
      tries += 1
      throw Object.assign(new Error('busy'), { errno: 1213, code: '40P01', errcode: 5 })
    }
    const migrated = sqlBackend(database.connect<never>(hook), { prefix: 'busy_' }).migrate()
    await expect(migrated).rejects.toThrow(BackendUnavailableError)
    expect(tries).toBe(10)
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
      ['next_0004_periods', true],
      ['next_0005_history', true],
      ['next_0006_queue', true],
      ['next_0007_lane_claims', true],
      ['next_0008_corrections', true],
      ['next_0009_cluster_locks', true],
      ['next_0010_changes_page', true],
    ])
    expect(await migrator.migrateToLatest()).toEqual({ results: [] })
  })
})

describe.each(engines.filter(({ name }) => name !== 'SQLite'))(
  'in a schema of its own on $name, which the host names by withSchema',
  async ({ open }) => {
    const database = await open()

    test('are all tables, and jobs fail, are resumed, listed and purged', async () => {
      const host = database.connect<never>()
      const schema = `recalc_${randomUUID().replaceAll('-', '')}`
      await host.schema.createSchema(schema).execute()
      onTestFinished(async () => {
        for (const { name } of await tablesIn(host, schema)) {
          await host.withSchema(schema).schema.dropTable(name).execute()
        }
        await host.schema.dropSchema(schema).execute()
      })
      const kysely = host.withSchema(schema)
      const backend = sqlBackend(kysely)
      await backend.migrate()
      await backend.migrate()
      const names = (await tablesIn(host, schema)).map(({ name }) => name)
      const migrations = ['migrations', 'migrations_lock']
      expect(names.sort()).toEqual([...ownTables, ...migrations].map((name) => `recalc_${name}`).sort())
      await expect(sqlBackend(host).jobs.list({})).rejects.toThrow()
      let broken = true
      const dailyCalc = {
        async calculateDay() {
          if (broken) throw new Error('no')
        },
      }
      const recalc = new RecalcService({ dailyCalc, employees: { listEmployees: async () => [] }, backend })
      const request = { tenantId: 'acme', employeeIds: ['7', '8'], from: '2025-01-01', to: '2025-01-02' }
      const job = await recalc.triggerRecalcBatchAsync(request)
      expect(await job.result).toMatchObject({ status: 'completed_with_errors', failedDays: 4 })
      expect((await recalc.listJobFailures(job.id)).length).toBe(4)
      broken = false
      expect(await (await recalc.resumeJob(job.id)).result).toMatchObject({ status: 'completed', failedDays: 0 })
      expect(await recalc.listJobs({ tenantId: ['acme', 'other'] })).toMatchObject([{ id: job.id }])
      expect(await backend.purgeJobs({ finishedBefore: new Date(8e15) })).toBe(1)
    })

    test('takes no table of another schema for its own or for foreign', async () => {
      const host = database.connect<never>()
      await host.schema.createTable('recalc_jobs').addColumn('own', 'integer').execute()
      const schema = `Re."calc" ${randomUUID()}` // it may have any name
      await host.schema.createSchema(schema).execute()
      onTestFinished(async () => {
        for (const { name } of await tablesIn(host, schema)) {
          await host.withSchema(schema).schema.dropTable(name).execute()
        }
        await host.schema.dropSchema(schema).execute()
      })
      await sqlBackend(host.withSchema(schema)).migrate()
      expect(await sqlBackend(host.withSchema(schema)).jobs.list({})).toEqual([])
      await expect(sqlBackend(host).migrate()).rejects.toThrow(InvalidOptionsError)
    })
  },
)

describe('on PostgreSQL', () => {
  test.each([
    ['a sequence', 'jobs', sql`create sequence what_jobs`],
    ['a type', 'locks', sql`create type type_locks as (own int)`],
    ['a materialized view', 'history', sql`create materialized view view_history as select 1 as own`],
  ])('%s of the name of a table is not taken for it', async (_, end, create) => {
    const kysely = (await postgresDatabase()).kysely<never>()
    await create.execute(kysely)
    const prefix = { jobs: 'what_', locks: 'type_', history: 'view_' }[end]!
    const migrated = sqlBackend(kysely, { prefix }).migrate()
    await expect(migrated).rejects.toThrow(InvalidOptionsError)
    expect((await kysely.introspection.getTables()).map(({ name }) => name)).not.toContain(`${prefix}lanes`)
  })
})

async function tablesIn(kysely: Kysely<never>, schema: string): Promise<readonly { readonly name: string }[]> {
  const { rows } = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = ${schema}`.execute(kysely)
  return rows
}

test('migrates through a pooler that gives connections out per transaction, from many processes at once', async () => {
  const database = await postgresDatabase()
  const pooler = await startPgbouncer(database.url)
  onTestFinished(() => pooler.stop())
  const clients = Array.from({ length: 8 }, () => postgresKysely<never>(withDatabase(pooler.url, database.name)).kysely)
  await Promise.all(clients.map((kysely) => sqlBackend(kysely).migrate()))
  expect(await libraryTables(clients[0]!)).toEqual(expected)
  await Promise.all(clients.map((kysely) => kysely.destroy()))
  // A lock that belongs to a session would have stayed behind on some server connection.
  const { rows } = await sql`select * from pg_locks where locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())`.execute(database.kysely<never>())
  expect(rows).toEqual([])
})

test.each(['', '1st_', 'a b', 'recalc-', "recalc'; drop table jobs; --", 'x'.repeat(32), null, 7])(
  'a prefix that is no plain identifier is refused wherever it is given: %j',
  (prefix) => {
    expect(() => recalcMigrations(prefix as string)).toThrow(InvalidOptionsError)
  },
)
