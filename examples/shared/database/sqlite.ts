import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { Kysely, type LogConfig, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import { cannotBeOpened } from './database-error.ts'

const STATEMENTS_KEPT = 100

/** How long to wait for another process that writes. */
const PATIENCE_MS = 5_000

/**
 * Kysely on the SQLite that comes with Node (22.16 or later).
 *
 * @param path Default: in memory, gone when the process ends.
 * @param log Which queries and errors kysely tells of. Default: none.
 * @param patienceMs How long to wait for another connection that writes; nothing else goes on in this process meanwhile.
 * @throws {DatabaseError} when the file cannot be made, or is none of SQLite's.
 */
export function openSqlite<Tables>(path = ':memory:', log: LogConfig = [], patienceMs = PATIENCE_MS): Kysely<Tables> {
  const database = open(path, patienceMs)
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: new NodeSqlite(database) }), log })
}

function open(path: string, timeout: number): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { timeout })
    // Readers do not wait for the writer; a commit survives the end of the process, though not always a power cut.
    database.exec('pragma journal_mode = wal')
    database.exec('pragma synchronous = normal')
    return database
  } catch (error) {
    throw cannotBeOpened(path, error)
  }
}

/** node:sqlite in the shape that kysely's SqliteDialect knows, that of better-sqlite3. */
class NodeSqlite implements SqliteDatabase {
  readonly #database: DatabaseSync
  /** The latest ones: blocks ask the same again and again, and preparing it anew doubles the time of small ones. */
  readonly #statements = new Map<string, SqliteStatement>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  prepare(sql: string): SqliteStatement {
    // A statement remembers its columns, and these may change them.
    if (/^\s*(create|alter|drop)\b/i.test(sql)) this.#statements.clear()
    const statement = this.#statements.get(sql) ?? new NodeSqliteStatement(this.#database.prepare(sql))
    // A map keeps the order of insertion, so the first one is the one that was not used for longest.
    this.#statements.delete(sql)
    this.#statements.set(sql, statement)
    const [oldest] = this.#statements.keys()
    if (this.#statements.size > STATEMENTS_KEPT && oldest !== undefined) this.#statements.delete(oldest)
    return statement
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }
}

class NodeSqliteStatement implements SqliteStatement {
  readonly reader: boolean
  readonly #statement: StatementSync
  readonly #columns: readonly string[]

  constructor(statement: StatementSync) {
    this.#statement = statement
    this.#columns = statement.columns().map(({ name }) => name)
    this.reader = this.#columns.length > 0
    // Rows as arrays, made into plain objects here: node:sqlite's own have no prototype, and take twice the time.
    statement.setReturnArrays(true)
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.#statement.all(...bindable(parameters)).map((values) => this.#row(values))
  }

  *iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    for (const values of this.#statement.iterate(...bindable(parameters))) yield this.#row(values)
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.#statement.run(...bindable(parameters))
  }

  #row(values: unknown): Record<string, unknown> {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < this.#columns.length; index++) {
      // With setReturnArrays a row is an array, which node:sqlite's types do not know.
      row[this.#columns[index] as string] = (values as readonly unknown[])[index]
    }
    return row
  }
}

/** Kysely does not know what a driver can bind; node:sqlite refuses by itself what it cannot. */
function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[]
}
