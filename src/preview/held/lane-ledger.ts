import type { ChangeLedger, StoredChange } from '../../changes/change-ledger.ts'
import { noLedger } from '../../changes/no-ledger.ts'

/** Numbers of changes that are in no table. */
const FIRST_OWN_ID = 2 ** 52

/**
 * The changes of a few employees, as they would be while these are settled. It begins with what is stored, and keeps what is
 * removed and added for itself: in the ledger not even a number is used up.
 */
export class LaneLedger<Tx> {
  readonly #stored: ChangeLedger<Tx>
  readonly #parked = new Map<number, StoredChange>()
  /** Undefined as long as everything is as it is stored. */
  #own: Map<number, StoredChange> | undefined
  #stages = new Set<string>()
  #nextId = FIRST_OWN_ID

  constructor(stored: ChangeLedger<Tx>) {
    this.#stored = stored
  }

  /** What settling works with: it reads the changes of employees, removes exactly those that are due, and adds what is left. */
  get ledger(): ChangeLedger<Tx> {
    return {
      ...noLedger,
      read: async (tx, tenantId, query) => {
        const { employeeIds, states, limit } = query
        const isAsked = ({ employeeId, state }: StoredChange) =>
          employeeIds.includes(employeeId) && states.includes(state)
        if (this.#own) return [...this.#own.values().filter(isAsked).take(limit)]
        const found = await this.#stored.read(tx, tenantId, query)
        return found.map((change) => this.#asRetried(change))
      },
      readWaiting: async (tx, tenantId, page) => {
        if (!this.#own) return await this.#stored.readWaiting(tx, tenantId, page)
        const { employeeId, after, limit } = page
        const isAsked = (change: StoredChange) =>
          change.employeeId === employeeId && change.state === 'waiting' && change.id > after
        // New ones have ascending numbers, and are kept in the order in which they come.
        return [...this.#own.values().filter(isAsked).take(limit)]
      },
      update: async (_, { remove, add }) => {
        const own = this.#changed
        for (const id of remove) own.delete(id)
        for (const change of add) {
          if ('stage' in change.content) this.#stages.add(change.content.stage)
          if (change.employeeId === null) continue
          own.set(this.#nextId, { ...change, id: this.#nextId })
          this.#nextId += 1
        }
        return undefined
      },
    }
  }

  /** Makes what is held or has failed due, and forgets which tenant stages are. */
  release(): void {
    const own = this.#changed
    for (const [id, change] of own) if (change.state !== 'waiting') own.set(id, { ...change, dueAt: 0 })
    this.#stages = new Set()
  }

  /** The tenant stages that are due by now. */
  get stages(): ReadonlySet<string> {
    return this.#stages
  }

  /** Failing days are tried by every settle, due or not. */
  #asRetried(change: StoredChange): StoredChange {
    if (change.state === 'waiting') return change
    const parked = change.state === 'failing' ? { ...change, dueAt: 0 } : change
    this.#parked.set(change.id, parked)
    return parked
  }

  /** By then all that is due has been read: of what is stored, only what is not remains. */
  get #changed(): Map<number, StoredChange> {
    this.#own ??= this.#parked
    return this.#own
  }
}
