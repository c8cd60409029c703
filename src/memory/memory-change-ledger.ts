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
  /** Tenant → employee (the empty id: the tenant as a whole) → changes, ascending by id. */
  readonly #tenants = new Map<string, Map<string, StoredChange[]>>()
  #lastId = 0

  async note(_tx: unknown, changes: readonly NewChange[]): Promise<void> {
    for (const change of changes) this.#add(change)
  }

  async read(
    _tx: unknown,
    tenantId: string,
    query: { readonly employeeIds: readonly (string | null)[]; readonly states: readonly ChangeState[] },
  ): Promise<readonly StoredChange[]> {
    const lanes = this.#tenants.get(tenantId)
    if (!lanes) return none
    return query.employeeIds.flatMap((id) => (lanes.get(id ?? '') ?? none).filter(({ state }) => query.states.includes(state)))
  }

  async update(_tx: unknown, { remove, add }: LedgerUpdate): Promise<AfterCommit> {
    return () => {
      this.#replace(new Set(remove), () => undefined)
      for (const change of add) this.#add(change)
    }
  }

  async hasDue(now: number): Promise<boolean> {
    return this.#all().some(({ dueAt }) => dueAt <= now)
  }

  async nextTenant(after: string | null): Promise<TenantPlace | undefined> {
    const waiting = [...this.#tenants]
      .filter(([tenantId, lanes]) => (after === null || tenantId > after) && lanes.values().some((lane) => lane.some(isWaiting)))
      .map(([tenantId]) => tenantId)
    const first = waiting.sort()[0]
    return first === undefined ? undefined : { tenantId: first, place: first }
  }

  async waiting(
    tenantId: string,
    { after, limit }: { readonly after: ChangeLane | null; readonly limit: number },
  ): Promise<readonly StoredChange[]> {
    const lanes = [...(this.#tenants.get(tenantId) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
    return lanes
      .filter(([id]) => after === null || id > (after.employeeId ?? ''))
      .flatMap(([, lane]) => lane.filter(isWaiting))
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
      this.#tenants.get(tenantId)?.get(employeeId ?? '')?.some(({ dueAt }) => dueAt <= now),
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
    this.#replace(new Set(released.map(({ id }) => id)), (change) => ({ ...change, dueAt: 0 }))
    return released.length
  }

  async state(tenantId: string | undefined): Promise<LedgerState> {
    const changes = tenantId === undefined ? this.#all() : this.#of(tenantId)
    const unsettled = changes.filter(({ state }) => state !== 'held').map(({ notedAt }) => notedAt)
    const employees = changes.filter(({ employeeId }) => employeeId !== null)
    return {
      dirtyEmployees: new Set(employees.map((change) => `${change.tenantId.length} ${change.tenantId}${change.employeeId}`)).size,
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
    let lanes = this.#tenants.get(change.tenantId)
    if (!lanes) {
      lanes = new Map()
      this.#tenants.set(change.tenantId, lanes)
    }
    this.#lastId += 1
    const lane = lanes.get(change.employeeId ?? '') ?? []
    // The same once more adds nothing but a new id: whoever is settling the old one does not remove it.
    const content = JSON.stringify(change.content)
    const same = isWaiting(change) ? lane.find((one) => isWaiting(one) && JSON.stringify(one.content) === content) : undefined
    const stored = { ...change, id: this.#lastId, notedAt: Math.min(change.notedAt, same?.notedAt ?? change.notedAt) }
    lanes.set(change.employeeId ?? '', [...(same ? lane.filter((one) => one !== same) : lane), stored])
  }

  #replace(ids: ReadonlySet<number>, by: (change: StoredChange) => StoredChange | undefined): void {
    if (ids.size === 0) return
    for (const [tenantId, lanes] of this.#tenants) {
      for (const [employeeId, lane] of lanes) {
        if (!lane.some(({ id }) => ids.has(id))) continue
        const kept = lane.flatMap((change) => (ids.has(change.id) ? (by(change) ?? []) : change))
        if (kept.length > 0) lanes.set(employeeId, kept)
        else lanes.delete(employeeId)
      }
      if (lanes.size === 0) this.#tenants.delete(tenantId)
    }
  }

  #of(tenantId: string): StoredChange[] {
    return [...(this.#tenants.get(tenantId)?.values() ?? [])].flat()
  }

  #all(): StoredChange[] {
    return [...this.#tenants.keys()].flatMap((tenantId) => this.#of(tenantId))
  }
}

const none: readonly StoredChange[] = []

function isWaiting({ state }: NewChange): boolean {
  return state === 'waiting'
}
