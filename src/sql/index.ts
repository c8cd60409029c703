/**
 * Durable jobs, changes, locks and history in MySQL, MariaDB, PostgreSQL or SQLite. It needs kysely and the driver of the database.
 *
 * @module recalc-service/sql
 */

export {
  type CaptureDrift,
  type CapturedBy,
  type CaptureOptions,
  checkCapture,
  installCapture,
  uninstallCapture,
} from './capture/capture.ts'
export type { CaptureSource, CaptureSources } from './capture/capture-source.ts'
export type { Reader } from './capture/resolve-captures.ts'
export type { ListenClient } from './engines/postgres-listener.ts'
export type { PurgeHistoryOptions } from './history/purge-history.ts'
export { kyselyOn, type RunStatement, type StatementResult } from './kysely-on.ts'
export { recalcMigrations } from './migrations.ts'
export type { PurgeJobsOptions } from './purge-jobs.ts'
export { replicaLag } from './replica-lag.ts'
export { type SqlBackend, type SqlBackendOptions, sqlBackend } from './sql-backend.ts'
export { sqlUnitOfWork } from './sql-unit-of-work.ts'
export type { HostTransactions, HostUnitOfWork } from './transaction/host-transactions.ts'
export { upsert } from './upsert.ts'
