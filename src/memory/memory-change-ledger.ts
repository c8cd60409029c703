import type {
  ChangeLane,
  ChangeLedger,
  ChangeQuery,
  ChangeState,
  LedgerState,
  LedgerUpdate,
  NewChange,
  StoredChange,
  TenantPlace,
} from '../changes/change-ledger.ts'
import type { AfterCommit } from '../run/journal.ts'

/**
 * Changes in the memory of this process. A note is effective at once, whatever becomes of the transaction it was made in:
 * then a day is calculated once too often.
 */
export class MemoryChangeLedger implements ChangeLedger<unknown> {
  /** Tenant → employee (the empty id: the tenant as a whole) → changes, by {@link keyOf}. */
  readonly #tenants = new Map<string, Map<string, Lane>>()
  /** Where a change is, by its id. */
  readonly #places = new Map<number, StoredChange>()
  #lastId = 0

  async note(_tx: unknown, changes: readonly NewChange[]): Promise<void> {
    for (const change of changes) this.#add(change)
  }

  isEmpty(): boolean {
    return this.#places.size === 0
  }

  async read(
    _tx: unknown,
    tenantId: string,
    query: { readonly employeeIds: readonly (string | null)[]; readonly states: readonly ChangeState[] },
  ): Promise<readonly StoredChange[]> {
    const lanes = this.#tenants.get(tenantId)
    if (!lanes) return none
    return query.employeeIds.flatMap((id) =>
      [...(lanes.get(id ?? '')?.values() ?? [])].filter(({ state }) => query.states.includes(state)),
    )
  }

  async readWaiting(
    _tx: unknown,
    tenantId: string,
    { employeeId, after, limit }: { readonly employeeId: string; readonly after: number; readonly limit: number },
  ): Promise<readonly StoredChange[]> {
    return [...(this.#tenants.get(tenantId)?.get(employeeId)?.values() ?? [])]
      .filter((change) => isWaiting(change) && change.id > after)
      .sort((a, b) => a.id - b.id)
      .slice(0, limit)
  }

  async update(_tx: unknown, { remove, add }: LedgerUpdate): Promise<AfterCommit> {
    return () => {
      for (const id of remove) this.#remove(id)
      for (const change of add) this.#add(change)
    }
  }

  async hasDue(now: number): Promise<boolean> {
    return this.#all().some(({ dueAt }) => dueAt <= now)
  }

  async nextTenant(after: string | null): Promise<TenantPlace | undefined> {
    const waiting = [...this.#tenants]
      .filter(
        ([tenantId, lanes]) =>
          (after === null || tenantId > after) && lanes.values().some((lane) => lane.values().some(isWaiting)),
      )
      .map(([tenantId]) => tenantId)
    const first = waiting.sort()[0]
    return first === undefined ? undefined : { tenantId: first, place: first }
  }

  async waiting(
    tenantId: string,
    page: { readonly after: ChangeLane | null; readonly limit: number; readonly state?: 'waiting' | 'held' },
  ): Promise<readonly StoredChange[]> {
    const { after, limit, state = 'waiting' } = page
    const lanes = [...(this.#tenants.get(tenantId) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
    return lanes
      .filter(([id]) => after === null || id > (after.employeeId ?? ''))
      .flatMap(([, lane]) => [...lane.values()].filter((change) => change.state === state))
      .slice(0, limit)
  }

  async parked(query: {
    readonly tenantId?: string | undefined
    readonly now: number
    readonly limit: number
  }): Promise<readonly StoredChange[]> {
    const { tenantId, now, limit } = query
    return (tenantId === undefined ? this.#all() : this.#of(tenantId))
      .filter((change) => !isWaiting(change) && change.dueAt <= now)
      .sort((a, b) => a.dueAt - b.dueAt)
      .slice(0, limit)
  }

  async dueAmong(lanes: readonly ChangeLane[], now: number): Promise<readonly ChangeLane[]> {
    return lanes.filter(({ tenantId, employeeId }) =>
      this.#tenants
        .get(tenantId)
        ?.get(employeeId ?? '')
        ?.values()
        .some(({ dueAt }) => dueAt <= now),
    )
  }

  async release(query: {
    readonly tenantId: string
    readonly employeeId?: string | undefined
    readonly state: 'failing' | 'held'
  }): Promise<number> {
    const released = this.#of(query.tenantId)
      .filter(({ state }) => state === query.state)
      .filter(({ employeeId }) => query.employeeId === undefined || employeeId === query.employeeId)
    for (const change of released) this.#put({ ...change, dueAt: 0 })
    return released.length
  }

  async state(tenantId: string | undefined): Promise<LedgerState> {
    const changes = tenantId === undefined ? this.#all() : this.#of(tenantId)
    const unsettled = changes.filter(({ state }) => state !== 'held').map(({ notedAt }) => notedAt)
    const employees = changes.filter(({ employeeId }) => employeeId !== null)
    return {
      dirtyEmployees: new Set(
        employees.map((change) => `${change.tenantId.length} ${change.tenantId}${change.employeeId}`),
      ).size,
      changes: changes.length,
      oldestAt: unsettled.length === 0 ? null : new Date(Math.min(...unsettled)),
      failing: changes.filter(({ state }) => state === 'failing').length,
      held: changes.filter(({ state }) => state === 'held').length,
    }
  }

  async list({ tenantId, state, after, limit }: ChangeQuery): Promise<readonly StoredChange[]> {
    return this.#of(tenantId)
      .filter((change) => change.id > after && (state === undefined || change.state === state))
      .sort((a, b) => a.id - b.id)
      .slice(0, limit)
  }

  #add(change: NewChange): void {
    this.#lastId += 1
    const id = this.#lastId
    const lane = this.#tenants.get(change.tenantId)?.get(change.employeeId ?? '')
    // The same once more adds nothing but a new id: whoever is settling the old one does not remove it.
    const same = lane?.get(keyOf({ ...change, id }))
    if (same) this.#remove(same.id)
    this.#put({ ...change, id, notedAt: Math.min(change.notedAt, same?.notedAt ?? change.notedAt) })
  }

  #put(change: StoredChange): void {
    const lanes = this.#tenants.get(change.tenantId) ?? new Map<string, Lane>()
    this.#tenants.set(change.tenantId, lanes)
    const lane = lanes.get(change.employeeId ?? '') ?? new Map<string, StoredChange>()
    lanes.set(change.employeeId ?? '', lane.set(keyOf(change), change))
    this.#places.set(change.id, change)
  }

  #remove(id: number): void {
    const change = this.#places.get(id)
    if (!change) return
    this.#places.delete(id)
    const lanes = this.#tenants.get(change.tenantId)
    const lane = lanes?.get(change.employeeId ?? '')
    lane?.delete(keyOf(change))
    if (lane?.size === 0) lanes?.delete(change.employeeId ?? '')
    if (lanes?.size === 0) this.#tenants.delete(change.tenantId)
  }

  #of(tenantId: string): StoredChange[] {
    return [...(this.#tenants.get(tenantId)?.values() ?? [])].flatMap((lane) => [...lane.values()])
  }

  #all(): StoredChange[] {
    return [...this.#places.values()]
  }
}

const none: readonly StoredChange[] = []

type Lane = Map<string, StoredChange>

/** Waiting changes that say the same are one. */
function keyOf(change: StoredChange): string {
  return isWaiting(change) ? JSON.stringify(change.content) : `${change.id}`
}

function isWaiting({ state }: NewChange): boolean {
  return state === 'waiting'
}
