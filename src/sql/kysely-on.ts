import { type DatabaseConnection, Kysely, type QueryResult } from 'kysely'
import { driverOn } from './transaction/driver-on.ts'

/** What a statement gave. */
export interface StatementResult {
  /** The rows that it gave; empty when it gives none. */
  readonly rows: readonly unknown[]
  /** How many rows an insert, update or delete wrote; needed for these only. */
  readonly numAffectedRows?: number | bigint | undefined
}

/** Runs one statement; its placeholders are those of the database (`$1` in PostgreSQL, each once and in order). */
export type RunStatement = (sql: string, parameters: readonly unknown[]) => Promise<StatementResult>

/**
 * A Kysely of the same dialect, schema and plugins as the given one, each of whose statements goes through `runStatement`:
 * say, a function of another library that runs it in an open transaction. It begins, commits and rolls back nothing.
 *
 * @example
 * kyselyOn(kysely, async (sql, parameters) => {
 *   const { rows, rowCount } = await client.query(sql, [...parameters])
 *   return { rows, numAffectedRows: rowCount ?? 0 }
 * })
 */
export function kyselyOn<Database>(kysely: Kysely<Database>, runStatement: RunStatement): Kysely<Database> {
  const executor = kysely.getExecutor()
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql, parameters }: { readonly sql: string; readonly parameters: readonly unknown[] }) {
      const { rows, numAffectedRows } = await runStatement(sql, parameters)
      const result = { rows: rows as R[] } // the caller says what it is
      return numAffectedRows === undefined ? result : { ...result, numAffectedRows: BigInt(numAffectedRows) }
    },
    // biome-ignore lint/correctness/useYield: it only refuses
    async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
      throw new Error('A Kysely of `kyselyOn` cannot stream; execute the query instead')
    },
  }
  return new Kysely<Database>({
    dialect: {
      createAdapter: () => executor.adapter,
      createDriver: () => driverOn(connection),
      createIntrospector: () => kysely.introspection,
      createQueryCompiler: () => ({ compileQuery: (node, queryId) => executor.compileQuery(node, queryId) }),
    },
    plugins: [...executor.plugins],
  })
}
