import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { changesMigration } from './changes/changes-migration.ts'
import { correctionsMigration } from './corrections/corrections-migration.ts'
import { historyMigration } from './history/history-migration.ts'
import { pageChanges } from './migrations/changes-page.ts'
import { addClusterLocks } from './migrations/cluster-locks.ts'
import { firstTables } from './migrations/first-tables.ts'
import { addQueue } from './migrations/job-queue.ts'
import { addLaneClaims } from './migrations/lane-claims.ts'
import { addPeriods } from './migrations/periods.ts'
import { recordEverything } from './migrations/run-record.ts'
import { tableNames } from './tables.ts'

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
    [`${prefix}0001_jobs`]: firstTables(names),
    [`${prefix}0002_run_record`]: addition((host) => recordEverything(host, names)),
    [`${prefix}0003_changes`]: changesMigration(prefix),
    [`${prefix}0004_periods`]: addition((host) => addPeriods(host, names)),
    [`${prefix}0005_history`]: historyMigration(prefix),
    [`${prefix}0006_queue`]: addition((host) => addQueue(host, names)),
    [`${prefix}0007_lane_claims`]: addition((host) => addLaneClaims(host, names)),
    [`${prefix}0008_corrections`]: correctionsMigration(prefix),
    [`${prefix}0009_cluster_locks`]: addition((host) => addClusterLocks(host, names)),
    [`${prefix}0010_changes_page`]: addition((host) => pageChanges(host, prefix)),
  }
}

/** Changes tables. Those who made them drop them: made again by them, an addition leaves them as they are. */
function addition(up: (host: Kysely<never>) => Promise<void>): Migration {
  return { up, down: async () => {} }
}
