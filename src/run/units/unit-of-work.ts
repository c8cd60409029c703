/**
 * A transaction of the host's database.
 *
 * `Tx` is whatever the backend hands out; the library only passes it on.
 */
export interface UnitOfWork<Tx = unknown> {
  /**
   * Commits what `work` did, or rolls all of it back when `work` throws, and then throws the same. When the database has
   * ended the transaction meanwhile, it throws that error, also when `work` swallowed it: what follows such an error must
   * never be committed by itself. It may call `work` again, in another transaction, once one has been rolled back.
   *
   * @param unit Its `signal` aborts when the unit of work has passed its deadline, or belongs to a run that was given up:
   * nobody waits for it any more, and its connection may be dead. What it holds should be given back then: its locks, and its
   * place in the pool.
   */
  run<T>(work: (tx: Tx) => Promise<T>, unit?: { readonly signal: AbortSignal }): Promise<T>
  /**
   * Waits until no other unit of work, in any process, holds one of these employees, and holds them until this one ends.
   * Ids arrive sorted. The empty id, which no employee has, stands for the tenant as a whole.
   */
  lockEmployees(tx: Tx, tenantId: string, employeeIds: readonly string[]): Promise<void>
  /** False: what `work` wrote stays when it throws, so nothing can be previewed. Default true. */
  readonly rollsBack?: boolean
  /** True for an error that the same work may not meet again: a deadlock, a lock timeout, a lost connection. */
  isTransient(error: unknown): boolean
  /**
   * The error with which the database has ended this transaction; undefined while it is alive. With it an error of a
   * calculator is distinguished from one of the transaction: without it, `isTransient` judges whatever a calculator throws.
   */
  failureOf?(tx: Tx): unknown
  /**
   * Does `work` inside a transaction that the host has begun and will end itself: commits nothing, rolls nothing back, and
   * throws whatever `work` throws. When the database has ended the transaction meanwhile, it throws that error, as `run` does.
   * `lockEmployees` must hold the employees until the host ends the transaction, also against other units of work of this
   * process: nothing else keeps them apart. Left out: no run can take part in a transaction of the host.
   *
   * @throws {InvalidRequestError} before `work` begins, when `tx` is no transaction of this database.
   */
  join?<T>(tx: Tx, work: () => Promise<T>): Promise<T>
  /**
   * Does `work` inside an open transaction, rolls back to a savepoint what it wrote, and throws what it throws. Left out:
   * nothing can be previewed in a transaction of the host.
   */
  withSavepoint?(tx: Tx, work: () => Promise<never>): Promise<never>
}
