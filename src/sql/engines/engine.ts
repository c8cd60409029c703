import type {
  ColumnDefinitionBuilder,
  Compilable,
  CreateIndexBuilder,
  InsertQueryBuilder,
  InsertResult,
  IsolationLevel,
  RawBuilder,
} from 'kysely'
import type { CaptureEngine } from '../capture/capture-engine.ts'
import type { ChangesDb, NewChangeRow } from '../changes/changes-table.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { RecalcDb, RecalcTx, TableNames } from '../tables.ts'
import type { listenForWakes } from './postgres-listener.ts'

/** A statement that is run, or given to hosts whose transaction is another library's. */
export interface NotingQuery extends Compilable {
  execute(): Promise<unknown>
}

/** A host's own tables, of which nothing is known but that their columns hold values. */
export type HostTables = Record<string, Record<string, unknown>>
type HostInsert = InsertQueryBuilder<HostTables, string, InsertResult>

/** Everything in which the supported databases differ. Nothing outside of this folder asks which one it is. */
export interface Engine {
  /**
   * The isolation level of a unit of work. Undefined: the engine has one level only.
   *
   * InnoDB's default, REPEATABLE READ, locks gaps between keys, so two lanes that delete and insert neighbouring days
   * deadlock; it also reads from the snapshot of the first statement, which may be older than the employee locks.
   */
  readonly isolationLevel: IsolationLevel | undefined

  /**
   * The statement that tells the isolation level of a transaction that somebody else has begun. Undefined: the engine has one
   * level, or does not tell.
   */
  readonly isolationOf: RawBuilder<{ readonly level: string }> | undefined

  /** The type of a text column of any length. */
  readonly longText: RawBuilder<unknown>
  /** What follows the type of every text column, so that text is compared and sorted byte by byte. */
  readonly textCollation: RawBuilder<unknown>
  /** The type of a number that the database itself counts up. */
  readonly rowNumber: 'bigint' | 'integer'
  /** Makes the column count up. */
  countUp(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder
  /** What follows a `create table`. */
  readonly tableOptions: RawBuilder<unknown>
  /** Makes an index, or leaves it when it is there. */
  createIndex(index: CreateIndexBuilder): Promise<void>
  /** Removes an index, if it is there. */
  dropIndex(db: RecalcDb, table: string, name: string): Promise<void>
  /** Gives a table another name, in its own schema. */
  renameTable(db: RecalcDb, from: string, to: string): Promise<void>
  /**
   * The schema in which new tables are made when none is named. Undefined: what the database itself lists as its tables is
   * only what is in there.
   */
  defaultSchema(db: RecalcDb): Promise<string | undefined>
  /** The columns of a table that is there; none when it is not. Without a schema it is looked for where new tables go. */
  columnsOf(db: RecalcDb, table: string, schema: string | undefined): Promise<readonly string[]>
  /**
   * A Kysely for migrations within the given transaction, which has locked out others that migrate. Undefined: what Kysely's
   * migrator does by itself is right. A lock that belongs to the session would be taken on one server connection and given
   * back on another where a pooler hands connections out per transaction.
   */
  readonly migrationsIn: ((tx: RecalcTx) => Promise<RecalcDb>) | undefined

  /** Numbers as one text, with commas between them. */
  listed(numbers: readonly RawBuilder<unknown>[]): RawBuilder<string>

  /** The key of an id in the ledger: other ids have others, and triggers can make it. It sorts behind `-`. */
  ledgerKey(id: string): string
  readonly capture: CaptureEngine
  /** Inserts changes, and tells those who listen; undefined where nobody can. */
  readonly noting: ((db: ChangesDb, table: 'changes', rows: readonly NewChangeRow[]) => NotingQuery) | undefined
  /** Listens for changes that any process notes; undefined where that cannot be. */
  readonly listenForWakes: typeof listenForWakes | undefined

  /** What stands behind a table's name when the engine would not find the right index by itself. */
  indexHint(index: string): RawBuilder<unknown>
  /** The insert as one that updates `columns` of rows whose key is there. Without columns such rows stay as they are. */
  orUpdate(insert: HostInsert, key: readonly string[], columns: readonly string[]): HostInsert
  /** True when `select … for update` locks what it reads until the transaction ends; otherwise only a write does. */
  readonly readsForUpdate: boolean
  /** Deletes lanes of a job by their keys, and waits for no other row: blocks hold those of their own lanes. */
  deleteLanes(tx: RecalcTx, names: TableNames, jobId: string, laneIds: readonly number[]): Promise<void>
  /** Deletes rows by their `id`, and waits for no other row: somebody may be inserting it. */
  deleteRows(db: RecalcDb, table: string, ids: readonly number[]): Promise<void>
  /**
   * Locks rows of the locks table until the transaction ends, making those that are missing. Rows are locked in the order
   * of their keys, so no two can wait for each other.
   */
  lockRows(tx: RecalcDb, names: TableNames, hashes: readonly string[]): Promise<void>

  /**
   * How far a replica is behind its source, in milliseconds; infinity when it does not replicate. It rejects when the database is
   * none. Undefined: there are no replicas.
   */
  readonly replicaLagMs: ((db: RecalcDb) => Promise<number>) | undefined

  /** The cluster of several writers to which the server belongs, if it does. Undefined: there are no such clusters. */
  readonly clusterOf: ((db: RecalcDb) => Promise<Cluster | undefined>) | undefined

  /** True when the same unit of work may well succeed the next time. */
  isTransient(error: unknown): boolean
  /** True when the connection is gone, and with it what was open on it. */
  isGone(error: unknown): boolean
  /** True for an error of a server that takes no writes, which a connection may go on to say after a failover. */
  isReadOnly(error: unknown): boolean
  /**
   * True when the transaction in which the error was met is over: rolled back by the database, or never to be committed.
   *
   * @param query Runs a statement on the same connection.
   */
  endsTransaction(error: unknown, query: (statement: string) => Promise<readonly unknown[]>): boolean | Promise<boolean>
  /** True for a statement that ends the transaction it is run in, also as a side effect of something else. */
  readonly isEnding: (statement: string) => boolean
  /** True for a statement that makes a transaction usable again which an error has ended. */
  revivesTransaction(statement: string): boolean
  /** The statement with which a connection ends its own session. Undefined: there is no session but the host's only one. */
  readonly endSession: string | undefined
}
