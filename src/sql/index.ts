export { recalcMigrations } from './migrations.ts'
export { type SqlBackend, type SqlBackendOptions, sqlBackend } from './sql-backend.ts'
export { sqlUnitOfWork } from './sql-unit-of-work.ts'
export { upsert } from './upsert.ts'
