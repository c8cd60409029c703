import { CompiledQuery, type DatabaseConnection, type QueryResult } from 'kysely'
import type { Engine } from '../engines/engine.ts'

const ROLLBACK = /^\s*rollback\s*$/i

/**
 * Watches the statements on a transaction's connection, however they come there, and refuses all that follow once the
 * database has ended the transaction: they would be committed one by one.
 */
export class TransactionGuard {
  /** True when the server said that it takes no writes. */
  metReadOnly = false
  readonly #connection: DatabaseConnection
  readonly #engine: Engine
  readonly #unguarded: Pick<DatabaseConnection, 'executeQuery' | 'streamQuery'>
  #end: { readonly error: unknown } | undefined

  constructor(connection: DatabaseConnection, engine: Engine) {
    this.#connection = connection
    this.#engine = engine
    this.#unguarded = { executeQuery: connection.executeQuery, streamQuery: connection.streamQuery }
    const { executeQuery, streamQuery } = this.#unguarded
    const watch = <T>(statement: string, run: () => Promise<T>) => this.#watch(statement, run)
    // Kysely's own way to stand in front of every statement of a connection, as its log does.
    connection.executeQuery = <R>(...args: Parameters<typeof executeQuery>) =>
      watch(args[0].sql, () => executeQuery.call(connection, ...args) as Promise<QueryResult<R>>) // the caller says what it is
    connection.streamQuery = async function* <R>(...args: Parameters<typeof streamQuery>) {
      const rows = streamQuery.call(connection, ...args) as AsyncIterableIterator<QueryResult<R>> // the same
      try {
        for (;;) {
          const next = await watch(args[0].sql, () => rows.next())
          if (next.done) return
          yield next.value
        }
      } finally {
        await rows.return?.()
      }
    }
  }

  /** With what the transaction was ended; undefined while it is alive. */
  get end(): unknown {
    return this.#end?.error
  }

  /** @throws what ended the transaction, when something did. */
  check(): void {
    if (this.#end) throw this.#end.error
  }

  /** Refuses every further statement but the rollback, with what ended the transaction before or with this error. */
  refuse(error: unknown): void {
    this.#end ??= { error }
  }

  /** Lets every statement through again. */
  remove(): void {
    Object.assign(this.#connection, this.#unguarded)
  }

  async #watch<T>(statement: string, run: () => Promise<T>): Promise<T> {
    const revives = this.#end !== undefined && this.#engine.revivesTransaction(statement)
    if (!revives && !ROLLBACK.test(statement)) this.check()
    try {
      const result = await run()
      if (revives) this.#end = undefined
      return result
    } catch (error) {
      if (this.#engine.isReadOnly(error)) this.metReadOnly = true
      if (!this.#end && (await this.#ends(error))) this.refuse(error)
      throw error
    }
  }

  async #ends(error: unknown): Promise<boolean> {
    const query = async (statement: string) => {
      const { rows } = await this.#unguarded.executeQuery.call(this.#connection, CompiledQuery.raw(statement))
      return rows
    }
    try {
      return await this.#engine.endsTransaction(error, query)
    } catch {
      return true // whoever cannot be asked cannot commit either
    }
  }
}
