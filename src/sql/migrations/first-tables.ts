import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../engines/engine.ts'
import { engineOf } from '../engines/engine-of.ts'
import { type RecalcDb, recalcDb, type TableNames } from '../tables.ts'
import { refuseForeignTable } from './own-table.ts'

/** Makes the tables of jobs and locks. */
export function firstTables(names: TableNames): Migration {
  return {
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
  }
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
