import { CompiledQuery, type DatabaseConnection, type QueryResult } from 'kysely'
import type { StatementHook } from '../../../support/crash-database.ts'
import type { Watch } from './own-database.ts'

/** What a statement cost the server, and what it was worth. */
export interface Cost {
  /** Rows that were looked at in tables and indexes, temporary tables included. */
  readonly read: number
  readonly sorted: number
  /** Rows that were put into temporary tables. */
  readonly temporary: number
  /** Rows that it gave or changed. */
  readonly given: number
}

/** A statement as it was when it read most. */
export interface WatchedStatement {
  /** The statement with its lists cut down to one member. */
  readonly shape: string
  readonly query: CompiledQuery
  readonly cost: Cost
}

/** What the server counts for a session. */
type Counters = Omit<Cost, 'given'>

const COUNTERS = "show session status where variable_name like 'Handler%' or variable_name = 'Sort_rows'"

/** Watches what a client sends, and what each statement costs the server, while it runs. */
export class StatementWatch implements Watch {
  readonly #statements = new Map<string, WatchedStatement>()
  readonly #parameters = new Map<string, unknown[]>()
  readonly #sent: string[] = []

  readonly sent = (query: CompiledQuery): void => {
    if (!this.#parameters.has(query.sql)) this.#parameters.set(query.sql, [...query.parameters])
  }

  readonly hook: StatementHook = async (sql, run, connection) => {
    if (sql === COUNTERS) return run()
    this.#sent.push(sql)
    const { result, cost } = await measured(connection, run)
    const shape = shapeOf(sql)
    const found = this.#statements.get(shape)
    if (!found || found.cost.read < cost.read) {
      this.#statements.set(shape, { shape, query: CompiledQuery.raw(sql), cost })
    }
    return result
  }

  /** Every shape that was sent so far, in the order in which they came. */
  statements(): readonly WatchedStatement[] {
    return [...this.#statements.values()].map((one) => ({
      ...one,
      // What was bound is heard of only afterwards.
      query: CompiledQuery.raw(one.query.sql, this.#parameters.get(one.query.sql)),
    }))
  }

  /** The shapes of what was sent since the last time, one for each statement. */
  sentSince(): readonly string[] {
    return this.#sent.splice(0).map(shapeOf)
  }
}

/** Runs it, and tells what that cost on its connection. */
export async function measured<R>(
  connection: DatabaseConnection,
  run: () => Promise<QueryResult<R>>,
): Promise<{ readonly result: QueryResult<R>; readonly cost: Cost }> {
  const first = await countersOf(connection)
  const before = await countersOf(connection)
  const result = await run()
  const after = await countersOf(connection)
  // Asking for the counters counts, too.
  const own = (name: keyof Counters) => after[name] - before[name] - (before[name] - first[name])
  const given = result.rows.length + Number(result.numAffectedRows ?? 0)
  return { result, cost: { read: own('read'), sorted: own('sorted'), temporary: own('temporary'), given } }
}

async function countersOf(connection: DatabaseConnection): Promise<Counters> {
  const query = CompiledQuery.raw(COUNTERS)
  const { rows } = await connection.executeQuery<{ Variable_name: string; Value: string }>(query)
  const sum = (names: RegExp) =>
    rows.reduce((total, row) => total + (names.test(row.Variable_name) ? Number(row.Value) : 0), 0)
  return { read: sum(/^Handler_read/), sorted: sum(/^Sort_rows$/), temporary: sum(/^Handler_tmp_write$/) }
}

function shapeOf(sql: string): string {
  return sql
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\(\?(, \?)*\)(, \(\?(, \?)*\))*/g, '(?)')
    .replaceAll(/(\([^()]*\))( or \1)+/g, '$1')
}
