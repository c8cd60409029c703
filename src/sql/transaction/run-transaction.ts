import type { Kysely, Transaction } from 'kysely'
import type { Engine } from '../engines/engine.ts'
import { discardConnection, endSession } from './discard-connection.ts'
import { TransactionGuard } from './transaction-guard.ts'

/** What watches over the transactions that are open. */
export const guards = new WeakMap<object, TransactionGuard>()

/** With what the database has ended a transaction of {@link runTransaction}, or one that was joined; undefined while it is alive. */
export function failureOf(tx: object): unknown {
  return guards.get(tx)?.end
}

/**
 * A transaction of the host's Kysely: commits what `work` did, or rolls it back and throws what was thrown.
 *
 * Once the database has ended the transaction, each further statement is refused with the error that ended it, and so is
 * the commit, whoever caught that error. A connection that may still be inside its transaction, or that leads to a server
 * which takes no writes any more, does not go back to its pool; nor does one whose transaction is given up by `signal`.
 *
 * @param before What is done on the connection in front of the transaction; it must leave the connection as it was.
 */
export function runTransaction<Database, T>(
  kysely: Kysely<Database>,
  engine: Engine,
  work: (tx: Transaction<Database>) => Promise<T>,
  signal?: AbortSignal,
  before?: (session: Kysely<Database>) => Promise<void>,
): Promise<T> {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  const done = kysely.connection().execute(async (session) => {
    const connection = await session.getExecutor().provideConnection(async (one) => one)
    const hangUp = () => {
      void endSession(connection, (use) => kysely.getExecutor().provideConnection(use))
    }
    if (signal?.aborted) throw signal.reason
    signal?.addEventListener('abort', hangUp, { once: true })
    /** Throws at once, and keeps the connection until it can do no harm. */
    const failAndDiscard = async (error: unknown): Promise<never> => {
      reject(error)
      await discardConnection(connection, engine)
      throw error
    }
    await before?.(session)
    const tx = await begin(session, engine).catch((error: unknown) => {
      if (engine.endSession === undefined || engine.isGone(error)) throw error
      return failAndDiscard(error)
    })
    const guard = new TransactionGuard(connection, engine)
    guards.set(tx, guard)
    try {
      const value = await work(tx)
      guard.done()
      await tx.commit().execute()
      guard.remove()
      return value
    } catch (error) {
      guard.refuse(error)
      const rolledBack = await succeeds(tx.rollback().execute())
      guard.remove()
      if (rolledBack && !guard.metReadOnly) throw error
      return await failAndDiscard(error)
    }
  })
  return Promise.race([done, failed])
}

/** Begun by hand, so that what becomes of the connection after a failed rollback is decided here. */
function begin<Database>(session: Kysely<Database>, { isolationLevel }: Engine) {
  const transaction = session.startTransaction()
  return (isolationLevel ? transaction.setIsolationLevel(isolationLevel) : transaction).execute()
}

function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  )
}
