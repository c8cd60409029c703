import type { IsoDate } from '../../calendar/iso-date.ts'

/** Whom a run means. */
export interface Employee {
  readonly id: string
  /** Shown in progress; never needed. */
  readonly name?: string
}

/** Which employees a run asks for. */
export interface EmployeeQuery {
  readonly tenantId: string
  readonly from: IsoDate
  readonly to: IsoDate
}

/** Whom `triggerRecalcAll` means is the host's to say. */
export interface EmployeeRepository {
  /** The next at most `limit` employees, ascending by id, whose id comes after `after`; empty at the end. */
  listEmployees(
    query: EmployeeQuery & { readonly after?: string; readonly limit: number },
  ): Promise<readonly Employee[]>
  /** How many there are. Without it they are paged through once more, for the totals. */
  countEmployees?(query: EmployeeQuery): Promise<number>
}

/** Which days may no longer change. */
export interface ClosedPeriods<Tx = unknown> {
  /**
   * Employee id → the last closed date; that day and all before it are left alone. Asked inside the unit of work, before
   * anything is calculated, so a period that is closed meanwhile is seen.
   */
  closedThrough(
    query: { readonly tenantId: string; readonly employeeIds: readonly string[] },
    tx: Tx,
  ): Promise<ReadonlyMap<string, IsoDate | string>>
}
