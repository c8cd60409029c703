import { UnitOfWorkTimeoutError } from '../../errors.ts'
import type { ActiveRun } from '../active-run.ts'
import { StageFailure } from '../blocks/stage-failure.ts'
import { messageOf } from '../failure.ts'
import type { AfterCommit } from '../journal.ts'
import type { RunSettings } from '../run-settings.ts'
import { withDeadline } from './deadline.ts'
import { employeeLocks } from './employee-locks.ts'
import { asLane, outsideCalculation } from './nested-calls.ts'
import { HOLDS_EMPLOYEES } from './unit-slots.ts'
import { UnitMonitor } from './unit-watchdog.ts'

/** What opens units of work, one after the other: a lane, or the tenant stages. */
export interface UnitOwner<Tx> {
  readonly run: ActiveRun<Tx>
  readonly monitor: UnitMonitor
}

/** An open unit of work, as its work sees it. */
export interface OpenUnit<Tx> {
  readonly tx: Tx
  readonly monitor: UnitMonitor
  /** Called once the unit of work has committed, in order. An error is logged; nothing is undone. */
  afterCommit(call: () => unknown): void
  /** What the journal wants to be called right after the commit. */
  committed: AfterCommit | undefined
}

/** Does something that opens units of work; the watchdog looks after them, and the run can give them up. */
export async function withUnits<Tx, T>(run: ActiveRun<Tx>, work: (owner: UnitOwner<Tx>) => Promise<T>): Promise<T> {
  const { settings, control } = run
  const monitor = new UnitMonitor()
  settings.watchdog.watch(monitor)
  control.watch(monitor)
  try {
    return await asLane(settings.watchdog, monitor, () => work({ run, monitor }))
  } finally {
    settings.watchdog.forget(monitor)
    control.forget(monitor)
  }
}

/**
 * Does something in one unit of work: waits for its turn, for its employees in this process and then in the backend's
 * transaction. What takes too long, or belongs to a run that was given up, is abandoned.
 *
 * Employees of this process are waited for without a slot, and slots without employees: nobody holds what another needs while
 * he waits himself.
 *
 * @param keys The employees to hold in this process, sorted.
 * @returns what `work` returned, once it has committed.
 */
export async function inUnitOfWork<Tx, T>(
  owner: UnitOwner<Tx>,
  keys: readonly string[],
  work: (unit: OpenUnit<Tx>) => Promise<T>,
): Promise<T> {
  const { settings, control, rank } = owner.run
  const { slots } = settings
  const locks = employeeLocks(settings.unitOfWork)
  const turn = slots.acquire(rank, control)
  if (turn) await turn
  if (!locks.tryAcquire(keys)) {
    slots.release()
    await locks.acquire(keys, control)
    try {
      const first = slots.acquire(HOLDS_EMPLOYEES, control)
      if (first) await first
    } catch (reason) {
      locks.release(keys)
      throw reason
    }
  }
  const attempt = new UnitAttempt(owner, work)
  let result: T
  try {
    result = await attempt.done
    attempt.committed?.()
  } finally {
    slots.release()
    locks.release(keys)
  }
  if (attempt.calls) {
    if (settings.leaveCalls) settings.leaveCalls(attempt.calls)
    else await callAll(attempt.calls, settings)
  }
  return result
}

/** One try of a unit of work. It is over as soon as it is given up, whether the transaction ever ends or not. */
class UnitAttempt<Tx, T> implements OpenUnit<Tx> {
  readonly done: Promise<T>
  readonly monitor: UnitMonitor
  readonly #settings: RunSettings<Tx>
  readonly #work: (unit: OpenUnit<Tx>) => Promise<T>
  readonly #number: number
  committed: AfterCommit | undefined
  calls: (() => unknown)[] | undefined
  #tx: Tx | undefined
  #hasBegun = false

  constructor({ run, monitor }: UnitOwner<Tx>, work: (unit: OpenUnit<Tx>) => Promise<T>) {
    this.monitor = monitor
    this.#settings = run.settings
    this.#work = work
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.done = promise
    this.#number = monitor.begin((error) => {
      reject(asStageFailure(error))
      this.#abandon()
    })
    const { abandoned } = run.control
    if (abandoned) monitor.expire(abandoned.cause)
    run.settings.unitOfWork
      .run((tx) => this.#attempt(tx))
      .then(
        (result) => {
          this.#end()
          resolve(result)
        },
        (error: unknown) => {
          this.#end()
          reject(error)
        },
      )
  }

  get tx(): Tx {
    return this.#tx as Tx // there once the unit of work has begun, and nobody asks before
  }

  afterCommit(call: () => unknown): void {
    this.calls ??= []
    this.calls.push(call)
  }

  #end(): void {
    if (this.monitor.isCurrent(this.#number)) this.monitor.end()
  }

  async #attempt(tx: Tx): Promise<T> {
    const { unitOfWork } = this.#settings
    this.#tx = tx
    this.#hasBegun = true
    this.calls = undefined
    this.#refuseWhenGivenUp()
    this.monitor.awaits(undefined)
    try {
      const result = await this.#work(this)
      // Somebody else may be at this work by now: it must not be committed.
      this.#refuseWhenGivenUp()
      return result
    } catch (error) {
      throw unitOfWork.failureOf ? endedBy(error, unitOfWork.failureOf(tx)) : error
    }
  }

  #refuseWhenGivenUp(): void {
    if (!this.monitor.isCurrent(this.#number)) throw new Error('The unit of work was given up')
  }

  #abandon(): void {
    const { unitOfWork, logger } = this.#settings
    if (!this.#hasBegun) return
    try {
      unitOfWork.abandon?.(this.tx)
    } catch (err) {
      logger.warn({ err }, 'The connection of a unit of work that was given up could not be closed')
    }
  }
}

/** A stage that does not return fails its day. */
function asStageFailure(error: unknown): unknown {
  if (!(error instanceof UnitOfWorkTimeoutError) || error.stage === undefined) return error
  return new StageFailure(error.stage, error, true)
}

/** A transaction that is over fails with what ended it, whatever a calculator made of that. */
function endedBy(error: unknown, ended: unknown): unknown {
  if (!(error instanceof StageFailure)) return ended ?? error
  return new StageFailure(error.stage, ended ?? error.cause, ended === undefined)
}

/** Makes the calls that were to follow a commit. */
export async function callAll<Tx>(calls: readonly (() => unknown)[], settings: RunSettings<Tx>): Promise<void> {
  const { clock, logger, watchdog } = settings
  const timeoutMs = watchdog.unitOfWorkTimeoutMs
  for (const call of calls) {
    try {
      const late = () => new Error(`it took longer than unitOfWorkTimeoutMs (${timeoutMs} ms)`)
      await withDeadline(async () => outsideCalculation(call), { clock, timeoutMs, late })
    } catch (error) {
      logger.error({ err: error }, `A call after the commit failed: ${messageOf(error)}`)
    }
  }
}
