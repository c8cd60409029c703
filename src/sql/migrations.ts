import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type Migration, type MigrationResultSet, Migrator } from 'kysely/migration'
import type { Clock } from '../calendar/clock.ts'
import { BackendUnavailableError, InvalidOptionsError } from '../errors.ts'
import { backoffMs, pause } from '../run/units/backoff.ts'
import { changesMigration } from './changes/changes-migration.ts'
import { correctionsMigration } from './corrections/corrections-migration.ts'
import type { Engine } from './engines/engine.ts'
import { engineOf } from './engines/engine-of.ts'
import { historyMigration } from './history/history-migration.ts'
import { pageChanges } from './migrations/changes-page.ts'
import { addClusterLocks } from './migrations/cluster-locks.ts'
import { addQueue } from './migrations/job-queue.ts'
import { laneClaimsMigration } from './migrations/lane-claims.ts'
import { periodsMigration } from './migrations/periods.ts'
import { recordEverything } from './migrations/run-record.ts'
import { type RecalcDb, recalcDb, schemaOf, type TableNames, tableNames } from './tables.ts'
import { runTransaction } from './transaction/run-transaction.ts'

/**
 * The library's schema as Kysely migrations, by name, for a host's own Migrator. They make their tables in the schema of
 * the Kysely that they are given (`withSchema`).
 *
 * Kysely wants new migrations to sort behind all that were run. The host's and the library's are released apart, so no name
 * can see to that: make the Migrator with `allowUnorderedMigrations: true`.
 *
 * @example
 * new Migrator({
 *   db,
 *   provider: { getMigrations: async () => ({ ...ownMigrations, ...recalcMigrations() }) },
 *   allowUnorderedMigrations: true,
 * })
 * @param prefix Of all tables, and of the migrations' names. Default `recalc_`.
 * @throws {InvalidOptionsError} when the prefix is no plain identifier.
 */
export function recalcMigrations(prefix = 'recalc_'): Record<string, Migration> {
  const names = tableNames(prefix)
  return {
    [`${prefix}0001_jobs`]: {
      // Not every database takes a cut-short migration back, so each statement may meet its own work.
      async up(host: Kysely<never>) {
        const db = recalcDb(host)
        const engine = engineOf(db)
        for (const [name, table] of Object.entries(createTables(db, engine, names))) {
          const columns = table.toOperationNode().columns.map(({ column }) => column.column.name)
          await refuseForeignTable(db, engine, name, columns)
          await table.modifyEnd(engine.tableOptions).execute()
        }
        for (const index of createIndexes(db, names)) await engine.createIndex(index)
      },
      async down(host: Kysely<never>) {
        const { schema } = recalcDb(host)
        for (const table of Object.values(names).reverse()) await schema.dropTable(table).ifExists().execute()
      },
    },
    [`${prefix}0002_run_record`]: {
      up: (host: Kysely<never>) => recordEverything(host, names),
      async down() {
        // The first one's drops all tables; made again by it, this one leaves them as they are.
      },
    },
    [`${prefix}0003_changes`]: changesMigration(prefix),
    [`${prefix}0004_periods`]: periodsMigration(names),
    [`${prefix}0005_history`]: historyMigration(prefix),
    [`${prefix}0006_queue`]: {
      up: (host: Kysely<never>) => addQueue(host, names),
      async down() {
        // As above.
      },
    },
    [`${prefix}0007_lane_claims`]: laneClaimsMigration(names),
    [`${prefix}0008_corrections`]: correctionsMigration(prefix),
    [`${prefix}0009_cluster_locks`]: {
      up: (host: Kysely<never>) => addClusterLocks(host, names),
      async down() {
        // As above.
      },
    },
    [`${prefix}0010_changes_page`]: {
      up: (host: Kysely<never>) => pageChanges(host, prefix),
      async down() {
        // That of the changes drops their table.
      },
    },
  }
}

/** @throws {InvalidOptionsError} when a table of this name is there, and is not the library's. */
async function refuseForeignTable(
  db: RecalcDb,
  engine: Engine,
  table: string,
  columns: readonly string[],
): Promise<void> {
  const found = await engine.columnsOf(db, table, schemaOf(db))
  const missing = columns.filter((column) => !found.includes(column))
  if (found.length === 0 || missing.length === 0) return
  throw new InvalidOptionsError(
    `Expected the table ${table} to be recalc-service's own, got one without the columns ${missing.join(', ')}; ` +
      'choose another `prefix`, or rename that table',
  )
}

const neverAborts = new AbortController().signal

/** Processes that come up together are done within a moment. */
const RETRY = { attempts: 10, minDelayMs: 10, maxDelayMs: 500 }

/**
 * Brings the library's tables up to date; of several processes at once one does the work and the others wait. Where the
 * database cannot keep them apart, those who were too late find the work done when they look again.
 *
 * @throws {BackendUnavailableError} when every attempt met a transient error.
 */
export async function migrate(db: RecalcDb, prefix: string, clock: Clock): Promise<void> {
  const engine = engineOf(db)
  for (let attempt = 1; ; attempt++) {
    const { error, results } = await latest(db, engine, prefix)
    if (!error) return
    const isTransient = engine.isTransient(error)
    if (!isTransient && !(await isDone(await migratorOf(db, engine, prefix, schemaOf(db)), results))) throw error
    if (attempt >= RETRY.attempts) throw isTransient ? new BackendUnavailableError(attempt, error) : error
    await pause(clock, backoffMs(RETRY, attempt), neverAborts)
  }
}

/** @param chosen The schema that the host has chosen. */
async function migratorOf(db: RecalcDb, engine: Engine, prefix: string, chosen: string | undefined): Promise<Migrator> {
  const schema = chosen ?? (await engine.defaultSchema(db))
  return new Migrator({
    // Migrator hands its Kysely on to the migrations, but looks for its own tables only in the schema that it is told.
    db: schema === undefined ? db : db.withSchema(schema),
    provider: { getMigrations: async () => recalcMigrations(prefix) },
    migrationTableName: `${prefix}migrations`,
    migrationLockTableName: `${prefix}migrations_lock`,
    ...(schema !== undefined && { migrationTableSchema: schema }),
  })
}

async function latest(db: RecalcDb, engine: Engine, prefix: string): Promise<MigrationResultSet> {
  const { migrationsIn } = engine
  try {
    if (!migrationsIn) return await (await migratorOf(db, engine, prefix, schemaOf(db))).migrateToLatest()
    return await runTransaction(db, engine, async (tx) => {
      const migrator = await migratorOf(await migrationsIn(tx), engine, prefix, schemaOf(db))
      const outcome = await migrator.migrateToLatest()
      if (outcome.error) throw outcome.error
      return outcome
    })
  } catch (error) {
    return { error }
  }
}

/** True when the migration that failed here was meanwhile done by another process. */
async function isDone(migrator: Migrator, results: MigrationResultSet['results']): Promise<boolean> {
  const failed = results?.find(({ status }) => status === 'Error')
  if (!failed) return false
  const migrations = await migrator.getMigrations()
  return migrations.some(({ name, executedAt }) => name === failed.migrationName && executedAt !== undefined)
}

function createTables({ schema }: RecalcDb, engine: Engine, names: TableNames) {
  const collated = (type: RawBuilder<unknown>) => sql`${type}${engine.textCollation}`
  const text = collated(engine.longText)
  const varchar = (length: number) => collated(sql`varchar(${sql.lit(length)})`)
  return {
    [names.jobs]: schema
      .createTable(names.jobs)
      .ifNotExists()
      .addColumn('id', varchar(36), (column) => column.notNull().primaryKey())
      .addColumn('admission_id', varchar(36), (column) => column.notNull())
      .addColumn('tenant_hash', varchar(64), (column) => column.notNull())
      .addColumn('scope_hash', varchar(64))
      .addColumn('status', varchar(32), (column) => column.notNull())
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
      .addColumn('lease_owner', varchar(255), (column) => column.notNull())
      .addColumn('lease_token', 'bigint', (column) => column.notNull())
      .addColumn('lease_expires_at', 'bigint', (column) => column.notNull())
      .addColumn('cancel', text),
    [names.job_employees]: schema
      .createTable(names.job_employees)
      .ifNotExists()
      .addColumn('job_id', varchar(36), (column) => column.notNull())
      .addColumn('part', 'integer', (column) => column.notNull())
      .addColumn('employee_ids', text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${names.job_employees}_pk`, ['job_id', 'part'] as never),
    [names.lanes]: schema
      .createTable(names.lanes)
      .ifNotExists()
      .addColumn('job_id', varchar(36), (column) => column.notNull())
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
    [names.failures]: schema
      .createTable(names.failures)
      .ifNotExists()
      .addColumn('number', engine.rowNumber, (column) => engine.countUp(column.notNull().primaryKey()))
      .addColumn('job_id', varchar(36), (column) => column.notNull())
      .addColumn('failure_hash', varchar(64), (column) => column.notNull())
      .addColumn('employee_hash', varchar(64))
      .addColumn('body', text, (column) => column.notNull())
      .addUniqueConstraint(`${names.failures}_key`, ['job_id', 'failure_hash'] as never),
    [names.events]: schema
      .createTable(names.events)
      .ifNotExists()
      .addColumn('job_id', varchar(36), (column) => column.notNull())
      .addColumn('seq', 'bigint', (column) => column.notNull())
      .addColumn('body', text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${names.events}_pk`, ['job_id', 'seq'] as never),
    [names.locks]: schema
      .createTable(names.locks)
      .ifNotExists()
      .addColumn('lock_hash', varchar(64), (column) => column.notNull().primaryKey()),
  }
}

function createIndexes({ schema }: RecalcDb, { jobs, failures }: TableNames) {
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
