import type { IsoDate } from '../../calendar/iso-date.ts'

/** An employee whose days are calculated. */
export interface Employee {
  /** Unique within the tenant, never empty. */
  readonly id: string
  /** Shown in progress; never needed. */
  readonly name?: string
}

/** Which employees a run needs. */
export interface EmployeeQuery {
  /** Whose employees. */
  readonly tenantId: string
  /** The first date of the run: who left before it need not be listed. */
  readonly from: IsoDate
  /** The last date of the run, inclusive: who comes later need not be listed. */
  readonly to: IsoDate
}

/** The host's employees: those that `triggerRecalcAll` recalculates. */
export interface EmployeeRepository {
  /** At most `limit` employees, ascending by id, whose id comes after `after`. An empty page ends the list. */
  listEmployees(
    query: EmployeeQuery & { readonly after?: string; readonly limit: number },
  ): Promise<readonly Employee[]>
  /** How many there are. Default: they are paged through once more to count them. */
  countEmployees?(query: EmployeeQuery): Promise<number>
}

/** Some consecutive dates that are closed, both ends inclusive, as `YYYY-MM-DD`. */
export interface ClosedInterval {
  /** The first closed date. */
  readonly from: IsoDate | string
  /** The last closed date, inclusive. */
  readonly to: IsoDate | string
}

/**
 * Which days may no longer change. Asked inside the unit of work, before anything is calculated, so a period that is closed
 * meanwhile is seen.
 */
export type ClosedPeriods<Tx = unknown> =
  | {
      /** Employee id → what is closed between `from` and `to`; who is missing has no closed day. */
      closed(
        query: {
          readonly tenantId: string
          readonly employeeIds: readonly string[]
          readonly from: IsoDate
          /** Inclusive. */
          readonly to: IsoDate
        },
        tx: Tx,
      ): Promise<ReadonlyMap<string, readonly ClosedInterval[]>>
      /** Only of the other form. */
      readonly closedThrough?: undefined
    }
  | {
      /** The short form: employee id → the last closed date; that day and all before it are left alone. */
      closedThrough(
        query: { readonly tenantId: string; readonly employeeIds: readonly string[] },
        tx: Tx,
      ): Promise<ReadonlyMap<string, IsoDate | string>>
      /** Only of the other form. */
      readonly closed?: undefined
    }
