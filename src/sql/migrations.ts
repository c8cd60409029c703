import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Clock } from '../calendar/clock.ts'
import { backoffMs, pause } from '../run/units/backoff.ts'
import { changesMigration } from './changes/changes-migration.ts'
import { type Engine, engineOf } from './engine.ts'
import { recordEverything } from './migrations/run-record.ts'
import { type TableNames, tableNames } from './tables.ts'

/**
 * The library's schema as Kysely migrations, by name, for a host's own Migrator. The names sort behind each other and
 * begin with the prefix, so that they do not meet the host's.
 *
 * @param prefix Of all tables. Default `recalc_`.
 * @throws {InvalidOptionsError} when the prefix is no plain identifier.
 */
export function recalcMigrations(prefix = 'recalc_'): Record<string, Migration> {
  const names = tableNames(prefix)
  return {
    [`${prefix}0001_jobs`]: {
      // Neither database takes a cut-short migration back, so each statement may meet its own work.
      async up(host: Kysely<unknown>) {
        const db = host.withoutPlugins()
        const engine = engineOf(db)
        for (const table of createTables(db, engine, names)) await table.modifyEnd(engine.tableOptions).execute()
        for (const index of createIndexes(db, names)) await engine.createIndex(index)
      },
      async down(host: Kysely<unknown>) {
        const { schema } = host.withoutPlugins()
        for (const table of Object.values(names).reverse()) await schema.dropTable(table).ifExists().execute()
      },
    },
    [`${prefix}0002_run_record`]: {
      up: (host: Kysely<unknown>) => recordEverything(host.withoutPlugins(), names),
      async down() {
        // The first one's drops all tables; made again by it, this one leaves them as they are.
      },
    },
    [`${prefix}0003_changes`]: changesMigration(prefix),
  }
}

const neverAborts = new AbortController().signal

/** Processes that come up together are done within a moment. */
const RETRY = { attempts: 10, minDelayMs: 10, maxDelayMs: 500 }

/**
 * Brings the library's tables up to date; of several processes at once one does the work and the others wait. Where the
 * database cannot keep them apart, those who were too late find the work done when they look again.
 */
export async function migrate(kysely: Kysely<unknown>, prefix: string, clock: Clock): Promise<void> {
  const migrations = recalcMigrations(prefix)
  const migrator = new Migrator({
    db: kysely.withoutPlugins(),
    provider: { getMigrations: async () => migrations },
    migrationTableName: `${prefix}migrations`,
    migrationLockTableName: `${prefix}migrations_lock`,
  })
  for (let attempt = 1; ; attempt++) {
    const { error } = await migrator.migrateToLatest()
    if (!error) return
    if (attempt >= RETRY.attempts) throw error
    await pause(clock, backoffMs(RETRY, attempt), neverAborts)
  }
}

function createTables(db: Kysely<unknown>, engine: Engine, names: TableNames) {
  const { schema } = db
  const text = sql`${sql.raw(engine.longText)}`
  return [
    schema
      .createTable(names.jobs)
      .ifNotExists()
      .addColumn('id', 'varchar(36)', (column) => column.notNull().primaryKey())
      .addColumn('admission_id', 'char(36)', (column) => column.notNull())
      .addColumn('tenant_hash', 'char(64)', (column) => column.notNull())
      .addColumn('scope_hash', 'char(64)')
      .addColumn('status', 'varchar(32)', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('finished_at', 'bigint')
      .addColumn('body', text, (column) => column.notNull())
      .addColumn('total_days', 'bigint', (column) => column.notNull())
      .addColumn('processed_days', 'bigint', (column) => column.notNull())
      .addColumn('unchanged_days', 'bigint', (column) => column.notNull())
      .addColumn('skipped_days', 'bigint', (column) => column.notNull())
      .addColumn('failed_days', 'bigint', (column) => column.notNull())
      .addColumn('error_count', 'bigint', (column) => column.notNull())
      .addColumn('handed_out', text, (column) => column.notNull())
      .addColumn('all_handed_out', 'integer', (column) => column.notNull())
      .addColumn('next_lane_id', 'bigint', (column) => column.notNull())
      .addColumn('last_seq', 'bigint', (column) => column.notNull())
      .addColumn('lease_owner', 'varchar(255)', (column) => column.notNull())
      .addColumn('lease_token', 'bigint', (column) => column.notNull())
      .addColumn('lease_expires_at', 'bigint', (column) => column.notNull())
      .addColumn('cancel', text),
    schema
      .createTable(names.job_employees)
      .ifNotExists()
      .addColumn('job_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('part', 'integer', (column) => column.notNull())
      .addColumn('employee_ids', text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${names.job_employees}_pk`, ['job_id', 'part'] as never),
    schema
      .createTable(names.lanes)
      .ifNotExists()
      .addColumn('job_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('lane_id', 'bigint', (column) => column.notNull())
      .addColumn('lease_token', 'bigint', (column) => column.notNull())
      .addColumn('steps', 'bigint', (column) => column.notNull())
      .addColumn('employee_ids', text, (column) => column.notNull())
      .addColumn('dates_done', 'integer', (column) => column.notNull())
      .addColumn('finished', 'integer', (column) => column.notNull())
      .addColumn('tenant_stages_done', 'integer', (column) => column.notNull())
      .addColumn('processed_days', 'bigint', (column) => column.notNull())
      .addColumn('unchanged_days', 'bigint', (column) => column.notNull())
      .addColumn('skipped_days', 'bigint', (column) => column.notNull())
      .addColumn('failed_days', 'bigint', (column) => column.notNull())
      .addColumn('error_count', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${names.lanes}_pk`, ['job_id', 'lane_id'] as never),
    schema
      .createTable(names.failures)
      .ifNotExists()
      .addColumn('number', engine.rowNumber, (column) => column.notNull().primaryKey().autoIncrement())
      .addColumn('job_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('failure_hash', 'char(64)', (column) => column.notNull())
      .addColumn('employee_hash', 'char(64)')
      .addColumn('body', text, (column) => column.notNull())
      .addUniqueConstraint(`${names.failures}_key`, ['job_id', 'failure_hash'] as never),
    schema
      .createTable(names.events)
      .ifNotExists()
      .addColumn('job_id', 'varchar(36)', (column) => column.notNull())
      .addColumn('seq', 'bigint', (column) => column.notNull())
      .addColumn('body', text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${names.events}_pk`, ['job_id', 'seq'] as never),
    schema
      .createTable(names.locks)
      .ifNotExists()
      .addColumn('lock_hash', 'char(64)', (column) => column.notNull().primaryKey()),
  ]
}

function createIndexes({ schema }: Kysely<unknown>, { jobs, failures }: TableNames) {
  const indexes: [name: string, table: string, columns: string[]][] = [
    [`${jobs}_scope`, jobs, ['scope_hash', 'status']],
    [`${jobs}_scope_created`, jobs, ['scope_hash', 'created_at']],
    [`${jobs}_created`, jobs, ['created_at']],
    [`${jobs}_tenant`, jobs, ['tenant_hash', 'created_at']],
    [`${jobs}_tenant_status`, jobs, ['tenant_hash', 'status', 'created_at']],
    [`${jobs}_status`, jobs, ['status', 'created_at']],
    [`${jobs}_lease`, jobs, ['status', 'lease_expires_at']],
    [`${jobs}_finished`, jobs, ['finished_at']],
    [`${failures}_page`, failures, ['job_id', 'number']],
    [`${failures}_employee`, failures, ['job_id', 'employee_hash']],
  ]
  return indexes.map(([name, table, columns]) => schema.createIndex(name).on(table).columns(columns))
}
