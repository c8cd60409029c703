import { CompiledQuery, type DatabaseConnection, type QueryResult } from 'kysely'
import { ContractError } from '../../errors.ts'
import type { Engine } from '../engines/engine.ts'

const ROLLBACK = /^\s*rollback\s*$/i

/**
 * Watches the statements on a transaction's connection, however they come there, and refuses all that follow once the
 * database has ended the transaction: they would be committed one by one. What would itself end it is refused as well.
 */
export class TransactionGuard {
  /** True when the server said that it takes no writes. */
  metReadOnly = false
  readonly #connection: DatabaseConnection
  readonly #engine: Engine
  readonly #isHosts: () => boolean
  readonly #unguarded: Pick<DatabaseConnection, 'executeQuery' | 'streamQuery'>
  #end: { readonly error: unknown } | undefined
  #isDone = false
  #isLeft = false
  #isRemoved = false

  /** @param isHosts Whether the statement at hand is the host's, made beside the work. Only the host may roll back. */
  constructor(connection: DatabaseConnection, engine: Engine, isHosts = () => false) {
    this.#connection = connection
    this.#engine = engine
    this.#isHosts = isHosts
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

  /**
   * The work is done: from now on the transaction may be ended.
   *
   * @throws what ended it before, when something did.
   */
  done(): void {
    this.check()
    this.#isDone = true
  }

  /** Refuses every further statement but the rollback, with what ended the transaction before or with this error. */
  refuse(error: unknown): void {
    this.#end ??= { error }
  }

  /** Lets every statement through again. */
  remove(): void {
    if (this.#isRemoved) return // by now somebody else may watch over the connection
    this.#isRemoved = true
    Object.assign(this.#connection, this.#unguarded)
  }

  async #watch<T>(statement: string, run: () => Promise<T>): Promise<T> {
    if (this.#isHosts()) {
      if (this.#isLeft) {
        this.remove() // the connection has gone back to its pool, and from there to somebody else
        return await run()
      }
      if (ROLLBACK.test(statement)) return await this.#leave(run)
    }
    const revives = this.#end !== undefined && this.#engine.revivesTransaction(statement)
    if (!revives && !ROLLBACK.test(statement)) this.check()
    if (!this.#isDone && !this.#end && this.#engine.isEnding(statement)) throw endingError(statement)
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

  /** The host rolls back: refused, the connection would go back to its pool inside of the transaction. */
  async #leave<T>(rollBack: () => Promise<T>): Promise<T> {
    this.refuse(
      new ContractError(
        'Expected the transaction to stay open until the call that takes part in it has ended, got "rollback"',
      ),
    )
    try {
      return await rollBack()
    } finally {
      this.#isLeft = true
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

/** So much of a statement is shown. */
const SHOWN = 80

function endingError(statement: string): ContractError {
  const shown = JSON.stringify(statement.length > SHOWN ? `${statement.slice(0, SHOWN)}…` : statement)
  return new ContractError(
    `Expected a statement that leaves the transaction open, got ${shown}: it would end it halfway. Run it outside of the unit of work`,
  )
}
