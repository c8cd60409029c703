import type { IsoDate } from '../../calendar/iso-date.ts'
import type { RunIdentity } from '../../pipeline/context.ts'
import type { ValueChange } from '../blocks/value-change.ts'

/** What had a value calculated. */
export interface HistoryRun {
  /** The job's id; of a run without a job a random one, of a settle one for each block. */
  readonly id: string
  /** `settle`: changes that were noted were settled. */
  readonly kind: RunIdentity['kind']
  /** `null`: there was no job. */
  readonly jobId: string | null
  /** Why it was asked for; `null` when nobody said. */
  readonly reason: string | null
  /** Who asked for it, as they named themselves. */
  readonly actor: string | null
}

/** What one unit of work has changed. */
export interface HistoryRecord {
  /** The tenant. */
  readonly tenantId: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** What had them calculated. */
  readonly run: HistoryRun
  /** The values that it has changed. */
  readonly changes: readonly ValueChange[]
  /** Tables whose noted changes a settle has taken up, for one employee. Left out: nobody knows of any. */
  tablesOf?(employeeId: string): readonly string[]
}

/** One value that a run has changed. */
export interface HistoryEntry {
  /** What the next page is asked for with, as `after`. */
  readonly id: string
  /** The tenant. */
  readonly tenantId: string
  /** Whose value. */
  readonly employeeId: string
  /** The name of the stage. */
  readonly stage: string
  /** The day, or the first day of the period. */
  readonly date: IsoDate
  /** The last day of the period; the day itself for a day stage. */
  readonly through: IsoDate
  /** In its JSON form, as `after`: a `Date` is a string, a `bigint` too. `null`: there was no row, or nobody knows. */
  readonly before: unknown
  /** False where the stage has no `stored`: nobody knows what was there. */
  readonly isBeforeKnown: boolean
  /** `null`: the row was removed. */
  readonly after: unknown
  /** Why `before` and `after` are not kept, though they were written: no JSON form, or too large. Otherwise `null`. */
  readonly notKept: string | null
  /** When it was calculated, by the clock of the service that did it. */
  readonly at: Date
  /** What had it calculated. */
  readonly run: HistoryRun
  /** Tables of which noted changes led to it, as far as they are known: of a settle. */
  readonly tables: readonly string[]
}

/** Which entries: those of one employee that touch some days, or those of one run. Newest first. */
export interface HistoryQuery {
  /** Whose history. */
  readonly tenantId: string
  /** Of one employee's days, or of one run. */
  readonly of:
    | {
        /** The employee. */
        readonly employeeId: string
        /** The first day. */
        readonly from: IsoDate
        /** The last day, inclusive. */
        readonly to: IsoDate
      }
    | {
        /** The run. */
        readonly runId: string
        /** The employee. */
        readonly employeeId?: undefined
      }
  /** The id of the entry behind which the page begins. */
  readonly after: string | null
  /** The most entries of the page. */
  readonly limit: number
}

/** Where is kept what runs change. Rows are only added, in the unit of work that writes the values. */
export interface HistoryStore<Tx = unknown> {
  /** In the unit of work, which holds the employees: it exists exactly if the values do. */
  append(tx: Tx, record: HistoryRecord): Promise<void>
  /** @throws {InvalidRequestError} when `after` is no id of an entry. */
  list(query: HistoryQuery): Promise<readonly HistoryEntry[]>
}
