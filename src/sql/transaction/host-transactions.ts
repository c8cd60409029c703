import { type Kysely, sql } from 'kysely'
import { thrownBy } from '../../run/blocks/stage-failure.ts'
import type { UnitOfWork } from '../../run/units/unit-of-work.ts'
import type { Engine } from '../engines/engine.ts'
import { checkIsolation } from './join-transaction.ts'
import type { Transactions } from './transactions.ts'

/** A host's own transactions: the library adds the locks, and looks before each commit whether the transaction still lives. */
export type HostUnitOfWork<Tx> = Pick<UnitOfWork<Tx>, 'run'> &
  Partial<Pick<UnitOfWork<Tx>, 'isTransient' | 'failureOf'>>

/** Transactions that are not Kysely's, and how the library takes part in them. */
export interface HostTransactions<Database, Tx extends object> {
  /**
   * Opens the transactions in which blocks are calculated, at READ COMMITTED. `isTransient` need know only the host's own
   * errors: one of the driver, also as the `cause` of another, is known without it.
   *
   * PostgreSQL refuses every statement after one that failed. In MySQL, which begins anew after a deadlock, `run` itself
   * must refuse them.
   */
  readonly unitOfWork: HostUnitOfWork<Tx>
  /** A Kysely on the very connection of an open transaction; `kyselyOn` makes one. Asked for once per transaction. */
  executorOf(tx: Tx): Kysely<Database>
}

/** The transactions of a host as the library uses them, still without locks. */
export function hostUnitOfWork<Database, Tx extends object>(
  host: HostUnitOfWork<Tx>,
  engine: Engine,
  executorOf: (tx: Tx) => Kysely<Database>,
  transactions: Transactions<Database>,
): Omit<UnitOfWork<Tx>, 'lockEmployees'> {
  /** What `work` gives, unless the transaction has ended meanwhile. */
  const guarded = async <T>(tx: Tx, work: () => Promise<T>): Promise<T> => {
    const value = await work()
    const failure = host.failureOf?.(tx)
    if (failure !== undefined) throw failure
    // PostgreSQL answers the COMMIT of a transaction that it has ended with success, and rolls back: a statement is
    // refused, also when a calculator swallowed the error that ended it.
    await sql`select 1`.execute(executorOf(tx))
    return value
  }
  /** What ended a transaction, as the driver said it. */
  const causeOf = (tx: Tx | undefined, thrown: unknown) => {
    const error = (tx && host.failureOf?.(tx)) ?? thrownBy(thrown)
    return causes(error).find((one) => engine.isTransient(one)) ?? error
  }
  return {
    run<T>(work: (tx: Tx) => Promise<T>, unit?: { readonly signal: AbortSignal }) {
      const run = <R>(one: (tx: Tx) => Promise<R>) => host.run((tx) => guarded(tx, () => one(tx)), unit)
      return transactions.runOthers<Tx, T>({ run, causeOf }, work, unit?.signal)
    },
    async join(tx, work) {
      await checkIsolation(executorOf(tx), engine)
      return await guarded(tx, work)
    },
    isTransient: (error) => host.isTransient?.(error) === true || causes(error).some((one) => engine.isTransient(one)),
    ...(host.failureOf && { failureOf: (tx) => host.failureOf?.(tx) }),
  }
}

/** Libraries wrap the errors of drivers. */
const MOST_CAUSES = 8

/** An error, its cause, the cause of that, and so on. */
function causes(error: unknown): readonly unknown[] {
  const chain = [error]
  while (chain.length < MOST_CAUSES) {
    const last = chain.at(-1)
    if (!(last instanceof Error) || last.cause === undefined) break
    chain.push(last.cause)
  }
  return chain
}
