import { randomUUID } from 'node:crypto'

/** One who wants to commit, over all his attempts: which rows he locks, and under which name he reserves them. */
export class Turn {
  readonly id = randomUUID()
  /** Rows of the locks table that an attempt has locked. */
  readonly hashes = new Set<string>()
  /** True while rows may be reserved for him. */
  hasReserved = false
}

const turns = new WeakMap<object, Turn>()

/** Whose transaction it is from now on. */
export function beginTurn(tx: object, turn: Turn): void {
  turns.set(tx, turn)
}

/** Whose transaction it is; undefined for one that the host has begun. */
export function turnOf(tx: object): Turn | undefined {
  return turns.get(tx)
}
