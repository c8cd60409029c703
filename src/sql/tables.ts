import {
  type Generated,
  type Kysely,
  type RawBuilder,
  sql,
  TableNode,
  type Transaction,
  WithSchemaPlugin,
} from 'kysely'
import { InvalidOptionsError } from '../errors.ts'
import { expected } from '../expectation.ts'

/** The columns in which a job and its lanes count. */
interface CountingTable {
  processed_days: number
  unchanged_days: number
  skipped_days: number
  failed_days: number
  error_count: number
  processed_periods: number
  unchanged_periods: number
  skipped_periods: number
  failed_periods: number
}

/** A job. What is asked for in queries is a column; the rest of its record is `body`. Its counters are those of work without a lane, and of lanes that are gone. */
export interface JobsTable extends CountingTable {
  id: string
  /** Random, of the call that stored or claimed it last: how one whose answer was lost knows its own work from another's. */
  claim_id: string
  /** SHA-256 of the tenant id, so that ids of any length and in any script stay different under any collation. */
  tenant_hash: string
  /** SHA-256 of the scope in which jobs exclude each other. */
  scope_hash: string | null
  status: string
  /** Milliseconds since 1970, as all instants here. */
  created_at: number
  finished_at: number | null
  /** JSON of the job's record without what has a column of its own. */
  body: string
  /** JSON of the failures that its result lists, apart from the body because lists of jobs leave them out. */
  errors: string | null
  total_days: number
  /** Raised by every step without a lane, so that each is a change. */
  steps: number
  /** JSON of the last employee who was dispatched to a lane. */
  dispatched_through: string
  all_dispatched: number
  /** JSON of an array of names. */
  tenant_stages_done: string
  next_lane_id: number
  last_seq: number
  /** The number of the last failure; whoever raises it holds the job's row, so that numbers are in the order of the commits. */
  last_failure: number
  /** The fencing token: a claim raises it, and every write under a lower one is refused. */
  lease_token: number
  lease_expires_at: number
  /** JSON of the reason, when somebody wants the job to end. */
  cancel: string | null
  /** 1 when somebody wants the job to pause. */
  pause_requested: number
  /** Where the job waits: in the queue of its scope or, without one, in one of its tenant; `null` when it does not wait. */
  queue_hash: string | null
  /** Its place among those that wait; 0 when it does not wait. */
  queue_order: number
}

/** The employees of a job that names them, in parts that fit into a statement. */
export interface JobEmployeesTable {
  job_id: string
  part: number
  /** JSON of an array of ids. */
  employee_ids: string
}

/** A lane's checkpoint and counters: each lane writes to a row of its own. */
export interface LanesTable extends CountingTable {
  job_id: string
  lane_id: number
  kind: string
  from_date: string
  to_date: string
  /** A copy of the job's fencing token, so that a block is fenced by the one row that it writes anyway. */
  lease_token: number
  /** Raised by every step, so that each is a change. */
  steps: number
  /** JSON of an array of ids. */
  employee_ids: string
  dates_done: number
  /** JSON of the first stage of a lane that repairs periods. */
  stage: string | null
  finished: number
  /** Random, of whoever calculates the lane by a claim of its own; empty: nobody does, or the worker of the job. */
  claim_id: string
  /** Milliseconds since 1970; 0 when nobody has claimed it. */
  claimed_until: number
  /** How often it was claimed since a block of it was done, or it was given back. */
  claims: number
  /** 1 when no other block is to begin. */
  stopping: number
  /** JSON of what its holder has to tell the worker of the job. */
  notice: string | null
}

/** A recorded failure. */
export interface FailuresTable {
  job_id: string
  number: number
  /** SHA-256 of what identifies a failure within its job: none is listed twice. */
  failure_hash: string
  /** SHA-256 of the employee id; `null` when a tenant stage failed. */
  employee_hash: string | null
  /** JSON. */
  body: string
}

/** A job event. */
export interface EventsTable {
  job_id: string
  seq: number
  /** JSON. */
  body: string
}

/** A row to lock: an employee, a tenant as a whole, or a scope of jobs. Rows are never removed: locking needs them there. */
export interface LocksTable {
  /** SHA-256 of what is locked. */
  lock_hash: string
  /** On a cluster, how often it was locked: so each lock is a change, of which the other nodes hear. */
  taken: Generated<number>
  /** On a cluster, who has lost to other nodes so often that they are to let it go first; and until when, by the server's clock. */
  reserved_by: string | null
  reserved_until: Generated<number>
}

/** The library's tables by the names they have without their prefix. */
export interface RecalcTables {
  jobs: JobsTable
  job_employees: JobEmployeesTable
  lanes: LanesTable
  failures: FailuresTable
  events: EventsTable
  locks: LocksTable
}

/** A Kysely, or a transaction, that sees the library's tables. */
export type RecalcDb = Kysely<RecalcTables>
export type RecalcTx = Transaction<RecalcTables>

/** What the library's tables are really called. */
export type TableNames = { readonly [Name in keyof RecalcTables]: Name }

/**
 * The tables' names with the prefix in front.
 *
 * @throws {InvalidOptionsError} when the prefix is no plain identifier.
 */
export function tableNames(prefix: string): TableNames {
  if (typeof prefix !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,30}$/.test(prefix)) {
    throw new InvalidOptionsError(expected('prefix', 'letters, digits and underscores, 31 at most', prefix))
  }
  const name = <Name extends keyof RecalcTables>(table: Name) => `${prefix}${table}` as Name // typed as if there were none
  return {
    jobs: name('jobs'),
    job_employees: name('job_employees'),
    lanes: name('lanes'),
    failures: name('failures'),
    events: name('events'),
    locks: name('locks'),
  }
}

/** The name of a table that is no part of {@link RecalcTables}, with the prefix; typed as if there were none. */
export function sideTable<Name extends 'changes' | 'history' | 'corrections'>(prefix: string, name: Name): Name {
  tableNames(prefix) // refuses what is no plain identifier
  return `${prefix}${name}` as Name
}

/**
 * The host's Kysely, or its transaction, as the library uses it: its own tables, in the schema that the host has chosen by
 * `withSchema`, and none of the host's other plugins, which would rename columns or parse JSON.
 */
export function recalcDb(kysely: Kysely<never>): RecalcDb {
  const bare = kysely.withoutPlugins() as unknown as RecalcDb // the tables are there once `migrate()` has run
  const schema = kysely.getExecutor().plugins.find((plugin) => plugin instanceof WithSchemaPlugin)
  return schema ? bare.withPlugin(schema) : bare
}

/** The schema that the host has chosen by `withSchema`. */
export function schemaOf(db: RecalcDb): string | undefined {
  const [table] = db.selectFrom('jobs').toOperationNode().from?.froms ?? []
  return table && TableNode.is(table) ? table.table.schema?.name : undefined
}

/** A table for raw SQL, to which Kysely adds no schema. */
export function rawTable(db: RecalcDb, name: string): RawBuilder<unknown> {
  const schema = schemaOf(db)
  return schema === undefined ? sql.table(name) : sql.id(schema, name) // a schema's name may have a point in it
}

/** A job's id to look for. PostgreSQL refuses text with a NUL, which no id of a job has. */
export function jobKey(jobId: string): string {
  return jobId.replaceAll('\0', '\uFFFD')
}
