import { sql } from 'kysely'
import type { Engine } from '../engines/engine.ts'
import { bytesOf, statements } from '../statements.ts'
import type { RecalcDb, TableNames } from '../tables.ts'
import type { Membership } from './membership.ts'
import { awaitReserved } from './reservations.ts'
import { type Turn, turnOf } from './turn.ts'

/**
 * Rows of the locks table, locked until the transaction ends. A single server keeps whoever else wants them waiting, and nothing
 * is written. On a cluster only a change is heard of by other nodes, so there each lock is one: whoever commits later is rolled
 * back, and tries again.
 */
export class RowLocks {
  readonly #engine: Engine
  readonly #names: TableNames
  readonly #membership: Membership

  constructor(engine: Engine, names: TableNames, membership: Membership) {
    this.#engine = engine
    this.#names = names
    this.#membership = membership
  }

  /**
   * @param db The library's tables in the transaction.
   * @param tx The transaction as whoever began it has it.
   */
  async lock(db: RecalcDb, tx: object, hashes: readonly string[]): Promise<void> {
    const { isKnown } = this.#membership
    const cluster = isKnown ? this.#membership.cluster : await this.#membership.ask(db)
    if (!cluster) return this.#engine.lockRows(db, this.#names, hashes)
    const turn = turnOf(tx)
    const sorted = [...new Set(hashes)].sort()
    for (const hash of sorted) turn?.hashes.add(hash)
    for (const group of statements(sorted, bytesOf)) {
      await awaitReserved(db, this.#names, group, turn)
      await change(db, this.#names, group, turn)
    }
  }
}

/** Changes rows, and makes those that are missing, in the order of their keys. What was reserved for this turn is free with it. */
async function change(
  db: RecalcDb,
  { locks }: TableNames,
  hashes: readonly string[],
  turn: Turn | undefined,
): Promise<void> {
  await db
    .insertInto(locks)
    .values(hashes.map((lock_hash) => ({ lock_hash, taken: 1 })))
    .onDuplicateKeyUpdate({
      taken: sql`taken + 1`,
      ...(turn?.hasReserved && { reserved_until: sql`if(reserved_by = ${turn.id}, 0, reserved_until)` }),
    })
    .execute()
}
