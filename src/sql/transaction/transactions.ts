import type { Kysely, Transaction } from 'kysely'
import type { Cluster } from '../cluster/cluster.ts'
import { type ClusterTransactions, withClusterAttempts } from '../cluster/cluster-attempts.ts'
import type { Membership } from '../cluster/membership.ts'
import { reserve, unreserve } from '../cluster/reservations.ts'
import type { Turn } from '../cluster/turn.ts'
import type { Engine } from '../engines/engine.ts'
import { type RecalcDb, recalcDb, type TableNames } from '../tables.ts'
import { failureOf, runTransaction } from './run-transaction.ts'

/** How the library reads and writes through a host's Kysely, on a single server and on a cluster. */
export class Transactions<Database> {
  readonly #kysely: Kysely<Database>
  readonly #engine: Engine
  readonly #membership: Membership
  readonly #names: TableNames | undefined

  /** @param names Undefined: there are no tables of the library. */
  constructor(kysely: Kysely<Database>, engine: Engine, membership: Membership, names?: TableNames) {
    this.#kysely = kysely
    this.#engine = engine
    this.#membership = membership
    this.#names = names
  }

  /** One transaction as {@link runTransaction} makes it; on a cluster again after each conflict with another node. */
  async run<T>(work: (tx: Transaction<Database>) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const cluster = await this.cluster()
    if (!cluster) return await runTransaction(this.#kysely, this.#engine, work, signal)
    const before = awaiting(cluster)
    return await withClusterAttempts<Transaction<Database>, T>(
      cluster,
      {
        ...this.#turns(),
        run: (one) => runTransaction(this.#kysely, this.#engine, one, signal, before),
        causeOf: (tx, thrown) => (tx && failureOf(tx)) ?? thrown,
      },
      work,
      signal,
    )
  }

  /** The same of transactions that somebody else makes. */
  async runOthers<Tx extends object, T>(
    others: Pick<ClusterTransactions<Tx>, 'run' | 'causeOf'>,
    work: (tx: Tx) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const cluster = await this.cluster()
    if (!cluster) return await others.run(work)
    const run: typeof others.run = async (one) => {
      // On a connection of the host's pool, since none is known of the transaction before it has begun.
      await this.#kysely.connection().execute(awaiting(cluster))
      return await others.run(one)
    }
    return await withClusterAttempts(cluster, { ...this.#turns(), run, causeOf: others.causeOf }, work, signal)
  }

  /** Reads; on a cluster in a session that has seen what others have committed. */
  async read<T>(work: (db: Kysely<Database>) => Promise<T>): Promise<T> {
    const cluster = await this.cluster()
    if (!cluster) return await work(this.#kysely)
    return await this.#kysely.connection().execute(async (session) => {
      await awaiting(cluster)(session)
      return await work(session)
    })
  }

  /** The cluster; undefined for a single server. */
  async cluster(): Promise<Cluster | undefined> {
    const { isKnown, cluster } = this.#membership
    return isKnown ? cluster : await this.#membership.ask(bare(this.#kysely))
  }

  #turns(): Pick<ClusterTransactions<never>, 'reserve' | 'unreserve'> {
    const names = this.#names
    /** Whoever cannot reserve tries without: a reservation is fairness, and nothing is wrong without it. */
    const shortly = async (work: (tx: RecalcDb) => Promise<unknown>) => {
      for (let attempt = 1; attempt <= MOST_SHORT_ATTEMPTS; attempt++) {
        try {
          await runTransaction(bare(this.#kysely), this.#engine, work)
          return true
        } catch (error) {
          if (!this.#engine.isTransient(error)) throw error
        }
      }
      return false
    }
    return {
      async reserve(turn: Turn, forMs: number) {
        if (!names) return
        let isReserved = false
        const done = await shortly(async (tx) => {
          isReserved = await reserve(tx, names, turn, forMs)
        })
        turn.hasReserved ||= done && isReserved
      },
      async unreserve(turn: Turn) {
        if (names) await shortly((tx) => unreserve(tx, names, turn))
      },
    }
  }
}

/** Reserving is over in a moment, so the other's commit is hardly ever in its way. */
const MOST_SHORT_ATTEMPTS = 5

function awaiting(cluster: Cluster) {
  return <Database>(session: Kysely<Database>) => cluster.awaitOthers(bare(session))
}

function bare<Database>(kysely: Kysely<Database>): RecalcDb {
  return recalcDb(kysely as unknown as Kysely<never>) // which tables the host has is of no interest here
}
