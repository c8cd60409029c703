import { type Kysely, sql } from 'kysely'
import { engineOf } from '../engine.ts'
import { bytesOf, statements } from '../statements.ts'
import type { FailuresTable, JobsTable, LanesTable, TableNames } from '../tables.ts'
import { JobUpgrade, type OldJob, type OldLane } from './run-record-upgrade.ts'

/** Jobs that are read together. */
const JOBS_PER_PAGE = 20

const FAILURES_PER_PAGE = 500

/** The tables as they are, and beside them as they are to be. */
interface Tables {
  jobs: OldJob
  lanes: OldLane
  failures: FailuresTable
  jobs_next: JobsTable
  lanes_next: LanesTable
  failures_next: FailuresTable
}

type Db = Kysely<Tables>
type Names = { readonly [Name in keyof Tables]: Name }

/**
 * A run's record says everything that a resume needs. Jobs, lanes and failures are copied to new tables job by job, which
 * then take the place of the old ones, the jobs' last. Cut short anywhere it goes on where it was the next time.
 */
export async function recordEverything(host: Kysely<unknown>, { jobs, lanes, failures, locks }: TableNames) {
  const next = <Name extends string>(name: Name) => `${name}_next` as const
  const names: Names = {
    jobs,
    lanes,
    failures,
    jobs_next: next(jobs),
    lanes_next: next(lanes),
    failures_next: next(failures),
  }
  const work = async (db: Kysely<unknown>) => {
    // In SQLite, which cannot keep those apart who migrate at once, the first write does.
    await sql`update ${sql.table(locks)} set lock_hash = lock_hash where lock_hash = ''`.execute(db)
    await upgrade(db as Db, names)
  }
  await (host.isTransaction ? work(host) : host.transaction().execute(work))
}

async function upgrade(db: Db, names: Names): Promise<void> {
  const columns = await columnsOf(db)
  const isOld = columns.get(names.jobs)?.has('lease_owner') ?? false
  if (isOld) {
    if (!columns.has(names.jobs_next)) await createTables(db, names)
  }
  const made = isOld ? await columnsOf(db) : columns
  // Where one of the two has taken its place already, everything was copied.
  if (isOld && made.has(names.failures_next) && made.has(names.lanes_next)) await copyJobs(db, names)
  for (const table of [names.failures, names.lanes, names.jobs]) {
    const replacement = `${table}_next` as const
    if (!made.has(replacement)) continue
    await db.schema.dropTable(table).ifExists().execute()
    await db.schema.alterTable(replacement).renameTo(table).execute()
  }
  const engine = engineOf(db)
  for (const index of indexes(db, names)) await engine.createIndex(index)
}

async function columnsOf(db: Db): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const tables = await db.introspection.getTables()
  return new Map(tables.map(({ name, columns }) => [name, new Set(columns.map((column) => column.name))]))
}

async function copyJobs(db: Db, names: Names): Promise<void> {
  const copied = await db.selectFrom(names.jobs_next).select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
  let after = copied?.id ?? ''
  // What was copied of a job whose own row was not.
  for (const table of [names.lanes_next, names.failures_next] as const) {
    await db.deleteFrom(table).where('job_id', '>', after).execute()
  }
  const last = await db
    .selectFrom(names.failures)
    .select('number')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const lastFailure = Number(last?.number ?? 0)
  for (;;) {
    const page = db.selectFrom(names.jobs).selectAll().where('id', '>', after).orderBy('id').limit(JOBS_PER_PAGE)
    const jobs = await page.execute()
    for (const job of jobs) await copyJob(db, names, job, lastFailure)
    if (jobs.length < JOBS_PER_PAGE) return
    after = jobs.at(-1)?.id ?? after
  }
}

async function copyJob(db: Db, names: Names, job: OldJob, lastFailure: number): Promise<void> {
  const lanes = await db.selectFrom(names.lanes).selectAll().where('job_id', '=', job.id).execute()
  const counted = await db
    .selectFrom(names.failures)
    .select(({ fn }) => fn.count<number | string>('employee_hash').as('days'))
    .where('job_id', '=', job.id)
    .executeTakeFirst()
  const upgrade = new JobUpgrade(job, lanes, Number(counted?.days ?? 0))
  for (let after = 0; ; ) {
    const page = await db
      .selectFrom(names.failures)
      .selectAll()
      .where('job_id', '=', job.id)
      .where('number', '>', after)
      .orderBy('number')
      .limit(FAILURES_PER_PAGE)
      .execute()
    const rows = page.map((row) => upgrade.failure(row))
    for (const group of statements(rows, ({ body }) => bytesOf(body) + 256)) {
      await db.insertInto(names.failures_next).values(group).execute()
    }
    if (page.length < FAILURES_PER_PAGE) break
    after = Number(page.at(-1)?.number)
  }
  for (const group of statements(upgrade.lanes(), (row) => bytesOf(row.employee_ids) + 256)) {
    await db.insertInto(names.lanes_next).values(group).execute()
  }
  await db.insertInto(names.jobs_next).values(upgrade.job(lastFailure)).execute()
}

/** The jobs' table comes last: once it is there, all are. */
async function createTables(db: Db, names: Names): Promise<void> {
  const engine = engineOf(db)
  const text = sql`${sql.raw(engine.longText)}`
  const failures = db.schema
    .createTable(names.failures_next)
    .ifNotExists()
    .addColumn('job_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('number', 'bigint', (column) => column.notNull())
    .addColumn('failure_hash', 'char(64)', (column) => column.notNull())
    .addColumn('employee_hash', 'char(64)')
    .addColumn('body', text, (column) => column.notNull())
    .addPrimaryKeyConstraint(`${names.failures_next}_pk`, ['job_id', 'number'])
  const lanes = db.schema
    .createTable(names.lanes_next)
    .ifNotExists()
    .addColumn('job_id', 'varchar(36)', (column) => column.notNull())
    .addColumn('lane_id', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'varchar(16)', (column) => column.notNull())
    .addColumn('from_date', 'char(10)', (column) => column.notNull())
    .addColumn('to_date', 'char(10)', (column) => column.notNull())
    .addColumn('lease_token', 'bigint', (column) => column.notNull())
    .addColumn('steps', 'bigint', (column) => column.notNull())
    .addColumn('employee_ids', text, (column) => column.notNull())
    .addColumn('dates_done', 'integer', (column) => column.notNull())
    .addColumn('finished', 'integer', (column) => column.notNull())
    .addColumn('processed_days', 'bigint', (column) => column.notNull())
    .addColumn('unchanged_days', 'bigint', (column) => column.notNull())
    .addColumn('skipped_days', 'bigint', (column) => column.notNull())
    .addColumn('failed_days', 'bigint', (column) => column.notNull())
    .addColumn('error_count', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint(`${names.lanes_next}_pk`, ['job_id', 'lane_id'])
  const jobs = db.schema
    .createTable(names.jobs_next)
    .ifNotExists()
    .addColumn('id', 'varchar(36)', (column) => column.notNull().primaryKey())
    .addColumn('claim_id', 'varchar(64)', (column) => column.notNull())
    .addColumn('tenant_hash', 'char(64)', (column) => column.notNull())
    .addColumn('scope_hash', 'char(64)')
    .addColumn('status', 'varchar(32)', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('finished_at', 'bigint')
    .addColumn('body', text, (column) => column.notNull())
    .addColumn('errors', text)
    .addColumn('total_days', 'bigint', (column) => column.notNull())
    .addColumn('processed_days', 'bigint', (column) => column.notNull())
    .addColumn('unchanged_days', 'bigint', (column) => column.notNull())
    .addColumn('skipped_days', 'bigint', (column) => column.notNull())
    .addColumn('failed_days', 'bigint', (column) => column.notNull())
    .addColumn('error_count', 'bigint', (column) => column.notNull())
    .addColumn('steps', 'bigint', (column) => column.notNull())
    .addColumn('dispatched_through', text, (column) => column.notNull())
    .addColumn('all_dispatched', 'integer', (column) => column.notNull())
    .addColumn('tenant_stages_done', text, (column) => column.notNull())
    .addColumn('next_lane_id', 'bigint', (column) => column.notNull())
    .addColumn('last_seq', 'bigint', (column) => column.notNull())
    .addColumn('last_failure', 'bigint', (column) => column.notNull())
    .addColumn('lease_token', 'bigint', (column) => column.notNull())
    .addColumn('lease_expires_at', 'bigint', (column) => column.notNull())
    .addColumn('cancel', text)
  for (const table of [failures, lanes, jobs]) await table.modifyEnd(engine.tableOptions).execute()
}

function indexes({ schema }: Db, { jobs, failures }: Names) {
  const of = (table: string, name: string, columns: readonly string[]) =>
    schema
      .createIndex(`${table}_${name}`)
      .on(table)
      .columns([...columns])
  return [
    of(jobs, 'scope', ['scope_hash', 'status']),
    of(jobs, 'scope_created', ['scope_hash', 'created_at']),
    of(jobs, 'created', ['created_at']),
    of(jobs, 'tenant', ['tenant_hash', 'created_at']),
    of(jobs, 'tenant_status', ['tenant_hash', 'status', 'created_at']),
    of(jobs, 'status', ['status', 'created_at']),
    of(jobs, 'lease', ['status', 'lease_expires_at']),
    of(jobs, 'finished', ['finished_at']),
    of(failures, 'key', ['job_id', 'failure_hash']).unique(),
    of(failures, 'employee', ['job_id', 'employee_hash']),
  ]
}
