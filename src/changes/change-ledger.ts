import type { IsoDate } from '../calendar/iso-date.ts'
import type { AfterCommit } from '../run/journal.ts'

/** What has become of a change. */
export type ChangeState =
  /** To be settled as soon as possible. */
  | 'waiting'
  /** A day of it failed; it is tried again after a pause. */
  | 'failing'
  /** Its days are closed; it is kept until they are open again. */
  | 'held'

/** An instant in milliseconds since 1970, a date, or `null`: as far as the horizon goes. */
export type SpanEnd = number | IsoDate | null

/** What a change says. Serialisable as JSON. */
export type ChangeContent =
  /** Rows of a table are different at some instants (milliseconds since 1970), or on some dates. */
  | {
      /** The table, as a stage's `reads` names it. */
      readonly table: string
      /** Instants, in milliseconds since 1970. */
      readonly at?: readonly number[]
      /** `null`: as far as the horizon goes. */
      readonly from?: IsoDate | null
      /** Inclusive; `null`: as far as the horizon goes. */
      readonly to?: IsoDate | null
      /** Or on the days from one end to another. */
      readonly spans?: readonly (readonly [first: SpanEnd, last: SpanEnd])[]
      /** Of everybody: employees up to this one have got a note of their own. */
      readonly after?: string
    }
  /** Days are to be calculated, whatever the reason; numbers since 1970-01-01. `from`: only by this stage and those behind it. */
  | {
      /** Both inclusive, in days since 1970-01-01. */
      readonly days: readonly [first: number, last: number]
      /** The name of the first stage that is to calculate them. */
      readonly from?: string
    }
  /** A tenant stage is to run, because of changes on these days. */
  | {
      /** The name of the tenant stage. */
      readonly stage: string
      /** Both inclusive, in days since 1970-01-01. */
      readonly days: readonly [first: number, last: number]
    }

/** Why a change failed. */
export interface ChangeError {
  /** The `code` of what was thrown, if it has one, otherwise its name. */
  readonly code: string
  /** What was thrown, for people. */
  readonly message: string
}

/** A change to be stored. */
export interface NewChange {
  /** Whose data is different. */
  readonly tenantId: string
  /** `null`: everybody's, or a tenant stage's. */
  readonly employeeId: string | null
  /** What is different. */
  readonly content: ChangeContent
  /** Whether it waits, fails or is held. */
  readonly state: ChangeState
  /** How often it failed, or was found closed, in a row. */
  readonly attempts: number
  /** Why it failed the last time; `null` when it has not. */
  readonly error: ChangeError | null
  /** Milliseconds since 1970. */
  readonly notedAt: number
  /** When it is to be looked at; 0: at once. */
  readonly dueAt: number
}

/** A change as it is stored. */
export interface StoredChange extends NewChange {
  /** Ascends in the order of the notes, which need not be that of their commits. */
  readonly id: number
}

/** Changes of one employee, or of a tenant as a whole (`null`). */
export interface ChangeLane {
  /** The tenant. */
  readonly tenantId: string
  /** The employee; `null`: everybody's changes, and those for tenant stages. */
  readonly employeeId: string | null
}

/** A tenant and a place in the order of the ledger. */
export interface TenantPlace {
  /** The tenant. */
  readonly tenantId: string
  /** What the next tenant is asked for with; its form is the ledger's own. */
  readonly place: string
}

/** How much is not settled. */
export interface LedgerState {
  /** Employees with changes. */
  readonly dirtyEmployees: number
  /** Changes that wait, fail or are held. */
  readonly changes: number
  /** When the oldest change was noted that is waiting or failing. */
  readonly oldestAt: Date | null
  /** Changes that have failed, and are tried again after a pause. */
  readonly failing: number
  /** Changes of closed days. */
  readonly held: number
}

/** Which changes to list. */
export interface ChangeQuery {
  /** Whose changes. */
  readonly tenantId: string
  /** Only those in this state. Default: all. */
  readonly state?: ChangeState | undefined
  /** The id of a change: only those behind it. */
  readonly after: number
  /** The most changes to list. */
  readonly limit: number
}

/** What a unit of work makes of the ledger. */
export interface LedgerUpdate {
  /** Ids of changes to be removed; those that are gone already do not matter. */
  readonly remove: readonly number[]
  /** Changes to be appended. */
  readonly add: readonly NewChange[]
}

/** Somebody who watches a ledger. */
export interface ChangeWatch {
  /** Resolves once no more calls come. */
  stop(): Promise<void>
}

/**
 * Where changes are kept. They are appended in the host's own transactions, and only ever removed by whoever has read them
 * and holds their employee (`UnitOfWork.lockEmployees`; the empty id for those of the tenant as a whole).
 */
export interface ChangeLedger<Tx = unknown> {
  /** Appends changes in the given transaction: they exist exactly if it commits. Waits for nobody and holds up nobody. */
  note(tx: Tx, changes: readonly NewChange[]): Promise<void>
  /** The one statement that {@link note} runs, for hosts whose transaction is another library's; undefined where there is none. */
  statement?(changes: readonly NewChange[]): {
    /** The statement, with the placeholders of its engine. */
    readonly sql: string
    /** The values of the placeholders, in order. */
    readonly parameters: readonly unknown[]
  }
  /**
   * Changes of the given employees (`null`: of the tenant as a whole) that are committed now, at most `limit`, in any order.
   * Those that say the same may share their content.
   */
  read(
    tx: Tx,
    tenantId: string,
    query: {
      readonly employeeIds: readonly (string | null)[]
      readonly states: readonly ChangeState[]
      readonly limit: number
    },
  ): Promise<readonly StoredChange[]>
  /** The same of one employee's waiting changes, ascending by id, behind the id `after`: where there are many, page by page. */
  readWaiting(
    tx: Tx,
    tenantId: string,
    page: { readonly employeeId: string; readonly after: number; readonly limit: number },
  ): Promise<readonly StoredChange[]>
  /** True when there is no change at all, for a ledger that knows that without asking. */
  isEmpty?(): boolean
  /** Takes effect when the unit of work commits; what is returned is called after the commit. */
  update(tx: Tx, update: LedgerUpdate): Promise<AfterCommit | undefined>

  /**
   * Calls `wake` when somebody, in any process, may have noted changes, some of which may be committed a moment later. It may
   * call too often, or never: changes are looked for by polling as well.
   */
  watch?(wake: () => void): ChangeWatch | undefined
  /** True when some change is due at `now`. */
  hasDue(now: number): Promise<boolean>
  /** The next tenant behind a place that has waiting changes; from the first one when `after` is `null`. */
  nextTenant(after: string | null): Promise<TenantPlace | undefined>
  /**
   * Waiting changes of a tenant, or held ones, lane by lane in an order of the ledger's own, behind the lane of `after`; at most
   * `limit`. `state` defaults to `'waiting'`.
   */
  waiting(
    tenantId: string,
    page: { readonly after: ChangeLane | null; readonly limit: number; readonly state?: 'waiting' | 'held' },
  ): Promise<readonly StoredChange[]>
  /** Failing and held changes, of one tenant or of all, that are due at `now`, those that are due longest first. */
  parked(query: {
    readonly tenantId?: string | undefined
    readonly now: number
    readonly limit: number
  }): Promise<readonly StoredChange[]>
  /** Of the given lanes those that have a change that is due. */
  dueAmong(lanes: readonly ChangeLane[], now: number): Promise<readonly ChangeLane[]>
  /** Makes failing or held changes due at once; resolves with their number. */
  release(query: {
    readonly tenantId: string
    readonly employeeId?: string | undefined
    readonly state: 'failing' | 'held'
  }): Promise<number>

  /** How much is not settled, of one tenant or, with undefined, of all. */
  state(tenantId: string | undefined): Promise<LedgerState>
  /** Ascending by id. */
  list(query: ChangeQuery): Promise<readonly StoredChange[]>
}
