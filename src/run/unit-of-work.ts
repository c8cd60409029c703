/**
 * A transaction of the host's database.
 *
 * `Tx` is whatever the backend hands out; the library only passes it on.
 */
export interface UnitOfWork<Tx = unknown> {
  /** Commits what `work` did, or rolls all of it back when `work` throws, and then throws the same. */
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Waits until no other unit of work, in any process, holds one of these employees, and holds them until this one ends.
   * Ids arrive sorted. The empty id, which no employee has, stands for the tenant as a whole.
   */
  lockEmployees(tx: Tx, tenantId: string, employeeIds: readonly string[]): Promise<void>
  /** True for an error that the same work may not meet again: a deadlock, a lock timeout, a lost connection. */
  isTransient(error: unknown): boolean
}
