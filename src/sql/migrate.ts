import { sql } from 'kysely'
import { type MigrationResultSet, Migrator } from 'kysely/migration'
import type { Clock } from '../calendar/clock.ts'
import { BackendUnavailableError } from '../errors.ts'
import { backoffMs, sleep } from '../run/units/backoff.ts'
import type { Engine } from './engines/engine.ts'
import { engineOf } from './engines/engine-of.ts'
import { refuseForeignTable } from './migrations/own-table.ts'
import { recalcMigrations } from './migrations.ts'
import { type RecalcDb, schemaOf } from './tables.ts'
import { runTransaction } from './transaction/run-transaction.ts'

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
    await sleep(clock, backoffMs(RETRY, attempt), neverAborts)
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
    // Kysely takes any table of these names for its own.
    await refuseForeignTable(db, engine, `${prefix}migrations`, ['name', 'timestamp'])
    await refuseForeignTable(db, engine, `${prefix}migrations_lock`, ['id', 'is_locked'])
    if (!migrationsIn) return await (await migratorOf(db, engine, prefix, schemaOf(db))).migrateToLatest()
    if (await isUpToDate(db, engine, prefix)) return {}
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

/** True when there is nothing to do: then nobody has to be locked out, and a process that comes up waits for no other. */
async function isUpToDate(db: RecalcDb, engine: Engine, prefix: string): Promise<boolean> {
  const schema = schemaOf(db) ?? (await engine.defaultSchema(db))
  const table = `${prefix}migrations`
  if ((await engine.columnsOf(db, table, schema)).length === 0) return false
  const from = schema === undefined ? sql.id(table) : sql.id(schema, table)
  const { rows } = await sql<{ readonly name: string }>`select name from ${from}`.execute(db)
  const known = Object.keys(recalcMigrations(prefix))
  return rows.length === known.length && rows.every(({ name }) => known.includes(name))
}

/** True when the migration that failed here was meanwhile done by another process. */
async function isDone(migrator: Migrator, results: MigrationResultSet['results']): Promise<boolean> {
  const failed = results?.find(({ status }) => status === 'Error')
  if (!failed) return false
  const migrations = await migrator.getMigrations()
  return migrations.some(({ name, executedAt }) => name === failed.migrationName && executedAt !== undefined)
}
