import { UnitOfWorkTimeoutError } from '../../errors.ts'
import type { ActiveRun } from '../active-run.ts'
import { StageFailure } from '../blocks/stage-failure.ts'
import { messageOf } from '../failure.ts'
import type { AfterCommit } from '../journal.ts'
import type { RunSettings } from '../run-settings.ts'
import { observedWait } from '../telemetry.ts'
import { withDeadline } from './deadline.ts'
import { employeeLocks } from './employee-locks.ts'
import type { KeyedLocks } from './keyed-locks.ts'
import { asLane, outsideCalculation } from './nested-calls.ts'
import type { UnitOfWork } from './unit-of-work.ts'
import { HOLDS_EMPLOYEES } from './unit-slots.ts'
import { type Awaiting, UnitMonitor } from './unit-watchdog.ts'

/** On whose behalf units of work are opened: a run, or whoever settles changes. */
export type UnitRun<Tx> = Pick<ActiveRun<Tx>, 'settings' | 'control' | 'rank'>

/** What opens units of work, one after the other: a lane, or the tenant stages. */
export interface UnitOwner<Tx, Run extends UnitRun<Tx> = ActiveRun<Tx>> {
  readonly run: Run
  readonly monitor: UnitMonitor
  /** The employees of this process. */
  readonly locks: KeyedLocks
}

/** An open unit of work, as its work sees it. */
export interface OpenUnit<Tx> extends Awaiting {
  readonly tx: Tx
  /** Aborts when the unit of work is given up. */
  readonly signal: AbortSignal
  /** Aborts when calculators are to give up; the same for all units of a lane until one is given up. */
  readonly aborting: AbortSignal
  /** Called once the unit of work has committed, in order. An error is logged; nothing is undone. */
  afterCommit(call: () => unknown): void
  /** What the journal wants to be called right after the commit. */
  committed: AfterCommit | undefined
}

/** Does something that opens units of work; the watchdog looks after them, and the run can give them up. */
export async function withUnits<Tx, Run extends UnitRun<Tx>, T>(
  run: Run,
  work: (owner: UnitOwner<Tx, Run>) => Promise<T>,
): Promise<T> {
  const { settings, control } = run
  const monitor = new UnitMonitor()
  const locks = employeeLocks(settings.unitOfWork)
  settings.watchdog.watch(monitor)
  control.watch(monitor)
  try {
    return await asLane(settings.watchdog, monitor, () => work({ run, monitor, locks }))
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
  owner: UnitOwner<Tx, UnitRun<Tx>>,
  keys: readonly string[],
  work: (unit: OpenUnit<Tx>) => Promise<T>,
): Promise<T> {
  const { locks } = owner
  const { settings, control, rank } = owner.run
  const { slots, telemetry } = settings
  const turn = slots.acquire(rank, control)
  if (turn) await observedWait(telemetry, 'slot', () => turn)
  if (!locks.tryAcquire(keys)) {
    slots.release()
    await observedWait(telemetry, 'process', async () => locks.acquire(keys, control))
    try {
      const first = slots.acquire(HOLDS_EMPLOYEES, control)
      if (first) await observedWait(telemetry, 'slot', () => first)
    } catch (reason) {
      locks.release(keys)
      throw reason
    }
  }
  const unit = new Unit<Tx>(owner.monitor)
  let result: T
  try {
    result = await tryUnit(owner.run, unit, work)
    unit.committed?.()
  } finally {
    slots.release()
    locks.release(keys)
  }
  if (unit.calls) {
    if (settings.deferCalls) settings.deferCalls(unit.calls)
    else await callAll(unit.calls, settings)
  }
  return result
}

/** One try of a unit of work. It is over as soon as it is given up, whether the transaction ever ends or not. */
function tryUnit<Tx, T>(
  { settings, control }: UnitRun<Tx>,
  unit: Unit<Tx>,
  work: (unit: OpenUnit<Tx>) => Promise<T>,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  unit.begin((error) => reject(asStageFailure(error)))
  const { abandoned } = control
  if (abandoned) unit.expire(abandoned.cause)
  const done = (result: T) => {
    unit.end()
    resolve(result)
  }
  const failed = (error: unknown) => {
    unit.end()
    reject(error)
  }
  try {
    settings.unitOfWork.run((tx) => within(settings.unitOfWork, unit, tx, work), unit).then(done, failed)
  } catch (error) {
    failed(error)
  }
  return promise
}

async function within<Tx, T>(
  unitOfWork: UnitOfWork<Tx>,
  unit: Unit<Tx>,
  tx: Tx,
  work: (unit: OpenUnit<Tx>) => Promise<T>,
): Promise<T> {
  unit.opened(tx)
  try {
    const result = await work(unit)
    // Somebody else may be at this work by now: it must not be committed.
    unit.refuseWhenGivenUp()
    return result
  } catch (error) {
    throw unitOfWork.failureOf ? endedBy(error, unitOfWork.failureOf(tx)) : error
  }
}

/**
 * A unit of work that was given up says nothing to its lane's monitor any more, where another one may be open by now. It does
 * not know its own work: so a unit that has grown old, and is not collected yet, keeps nothing else alive.
 */
class Unit<Tx> implements OpenUnit<Tx> {
  committed: AfterCommit | undefined
  calls: (() => unknown)[] | undefined
  readonly aborting: AbortSignal
  readonly #monitor: UnitMonitor
  #tx: Tx | undefined
  #givenUp: { readonly reason: unknown } | undefined
  #controller: AbortController | undefined

  constructor(monitor: UnitMonitor) {
    this.#monitor = monitor
    this.aborting = monitor.signal
  }

  get tx(): Tx {
    return this.#tx as Tx // there once the unit of work has begun, and nobody asks before
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#givenUp) this.#controller.abort(this.#givenUp.reason)
    }
    return this.#controller.signal
  }

  awaits(stage: string | undefined): void {
    if (!this.#givenUp) this.#monitor.awaits(stage)
  }

  afterCommit(call: () => unknown): void {
    this.calls ??= []
    this.calls.push(call)
  }

  begin(expired: (reason: unknown) => void): void {
    this.#monitor.begin((reason) => {
      this.#givenUp = { reason }
      expired(reason)
      this.#controller?.abort(reason)
    })
  }

  expire(reason: unknown): void {
    this.#monitor.expire(reason)
  }

  /** The transaction has begun, perhaps for another time. */
  opened(tx: Tx): void {
    this.#tx = tx
    this.calls = undefined
    this.refuseWhenGivenUp()
    this.#monitor.awaits(undefined)
  }

  refuseWhenGivenUp(): void {
    if (this.#givenUp) throw new Error('The unit of work was given up', { cause: this.#givenUp.reason })
  }

  end(): void {
    if (!this.#givenUp) this.#monitor.end()
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
      await withDeadline(async () => outsideCalculation(call), { clock, timeoutMs, inBackground: true, late })
    } catch (error) {
      logger.error({ err: error }, `A call after the commit failed: ${messageOf(error)}`)
    }
  }
}
