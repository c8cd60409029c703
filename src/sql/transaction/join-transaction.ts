import { AsyncLocalStorage } from 'node:async_hooks'
import { ControlledTransaction, Kysely, Transaction } from 'kysely'
import { InvalidRequestError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { Engine } from '../engines/engine.ts'
import { guards } from './run-transaction.ts'
import { TransactionGuard } from './transaction-guard.ts'

/** A transaction of a host, as long as work of ours goes on in it. */
interface Joined {
  readonly guard: Promise<TransactionGuard>
  works: number
}

const joined = new WeakMap<object, Joined>()

/** The transaction in which work of ours goes on here; whatever else is done in that transaction is done by the host. */
const working = new AsyncLocalStorage<object>()

/**
 * Does `work` inside a transaction that the host has begun. Once the database has ended it, each further statement is refused
 * with the error that ended it, and so is the work, whoever caught that error. How the transaction ends is the host's business:
 * a rollback ends the work as well; a commit is refused, for it would keep half of the work.
 *
 * @throws {InvalidRequestError} when `tx` is no open transaction of `kysely`.
 */
export async function joinTransaction<Database, T>(
  kysely: Kysely<Database>,
  engine: Engine,
  tx: Transaction<Database>,
  work: () => Promise<T>,
): Promise<T> {
  checkTransaction(kysely, tx)
  const watched = joined.has(tx) ? undefined : guards.get(tx)
  if (watched) {
    const value = await work()
    watched.check()
    return value
  }
  const entry = joined.get(tx) ?? { guard: guardOf(tx, engine), works: 0 }
  joined.set(tx, entry)
  entry.works += 1
  let guard: TransactionGuard | undefined
  try {
    guard = await entry.guard
    guards.set(tx, guard)
    await checkIsolation(tx, engine)
    const value = await working.run(tx, work)
    guard.check()
    return value
  } finally {
    entry.works -= 1
    if (entry.works === 0) {
      joined.delete(tx)
      guards.delete(tx)
      guard?.remove() // the connection is the host's alone again
    }
  }
}

async function guardOf<Database>(tx: Transaction<Database>, engine: Engine): Promise<TransactionGuard> {
  const connection = await tx.getExecutor().provideConnection(async (one) => one)
  return new TransactionGuard(connection, engine, () => working.getStore() !== tx)
}

const OPEN_OF_OURS = 'an open Transaction of the Kysely that the backend was given'

/** @throws {InvalidRequestError} when `tx` is no open transaction of `kysely`. */
function checkTransaction<Database>(kysely: Kysely<Database>, tx: unknown): void {
  // A Kysely and all that is made of it share one adapter.
  const isOurs = tx instanceof Transaction && tx.getExecutor().adapter === kysely.getExecutor().adapter
  if (tx instanceof Transaction && !isOurs)
    throw new InvalidRequestError(expected('tx', OPEN_OF_OURS, 'one of another Kysely'))
  checkOpen(tx, OPEN_OF_OURS)
}

/**
 * Refuses what would commit by itself.
 *
 * @throws {InvalidRequestError} when `tx` is no open transaction of any Kysely.
 */
export function checkOpen(tx: unknown, expectation = 'an open Transaction of Kysely'): void {
  const isOver = tx instanceof ControlledTransaction && (tx.isCommitted || tx.isRolledBack)
  if (tx instanceof Transaction && !isOver) return
  const got = isOver ? 'one that is over' : tx instanceof Kysely ? 'a Kysely without a transaction' : tx
  throw new InvalidRequestError(expected('tx', expectation, got))
}

/** A snapshot from before the employees were locked would hide what others have committed since. */
export async function checkIsolation<Database>(
  tx: Kysely<Database>,
  { isolationOf, isolationLevel }: Engine,
): Promise<void> {
  const { rows } = isolationOf ? await isolationOf.execute(tx) : { rows: [] }
  const [level = isolationLevel] = rows.map((row) => row.level)
  if (level === isolationLevel) return
  throw new InvalidRequestError(expected('tx', `a transaction at ${isolationLevel}`, level))
}
