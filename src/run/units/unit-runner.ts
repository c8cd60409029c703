import { UnitOfWorkTimeoutError } from '../../errors.ts'
import { StageFailure } from '../blocks/stage-failure.ts'
import { messageOf } from '../failure.ts'
import type { AfterCommit } from '../journal.ts'
import type { RunControl } from '../run-control.ts'
import type { RunSettings } from '../run-settings.ts'
import { employeeLocks } from './employee-locks.ts'
import { HOLDS_EMPLOYEES, type UnitRank } from './unit-slots.ts'
import { WatchedUnit } from './unit-watchdog.ts'

/** What a unit of work belongs to. */
export interface UnitOwner<Tx> {
  readonly settings: RunSettings<Tx>
  readonly control: RunControl
  readonly rank: UnitRank
}

/** An open unit of work, as its work sees it. */
export interface OpenUnit<Tx> {
  readonly tx: Tx
  readonly watched: WatchedUnit
  /** Called once the unit of work has committed, in order. An error is logged; nothing is undone. */
  afterCommit(call: () => unknown): void
}

/**
 * Does something in one unit of work: waits for its turn, for its employees in this process and then in the backend's
 * transaction. What takes too long, or belongs to a run that was given up, is abandoned.
 *
 * Employees of this process are waited for without a slot, and slots without employees: nobody holds what another needs while
 * he waits himself.
 *
 * @param keys The employees to hold in this process, sorted.
 * @returns what `work` returned, once it has committed. What it passes to `committed` is called right after the commit.
 */
export async function inUnitOfWork<Tx, T>(
  owner: UnitOwner<Tx>,
  keys: readonly string[],
  work: (unit: OpenUnit<Tx>, committed: (call: AfterCommit | undefined) => void) => Promise<T>,
): Promise<T> {
  const { settings, control, rank } = owner
  const { slots, unitOfWork } = settings
  const locks = employeeLocks(unitOfWork)
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
  let calls: (() => unknown)[] | undefined
  let afterCommit: AfterCommit | undefined
  let result: T
  try {
    result = await watched(owner, (unit, tx) => {
      calls = undefined
      const open = {
        tx,
        watched: unit,
        afterCommit(call: () => unknown) {
          calls ??= []
          calls.push(call)
        },
      }
      return work(open, (call) => {
        afterCommit = call
      })
    })
    afterCommit?.()
  } finally {
    slots.release()
    locks.release(keys)
  }
  if (calls) await callAll(calls, settings)
  return result
}

/** Runs a unit of work under the watchdog: rejects as soon as it is given up, whether it ever ends or not. */
function watched<Tx, T>(owner: UnitOwner<Tx>, work: (unit: WatchedUnit, tx: Tx) => Promise<T>): Promise<T> {
  const { settings, control } = owner
  const { unitOfWork, watchdog } = settings
  return new Promise<T>((resolve, reject) => {
    let opened: { readonly tx: Tx } | undefined
    const unit = new WatchedUnit(settings.slots, (error) => {
      control.forget(unit)
      reject(
        error instanceof UnitOfWorkTimeoutError && error.stage ? new StageFailure(error.stage, error, true) : error,
      )
      if (opened) abandon(settings, opened.tx)
    })
    watchdog.watch(unit)
    control.watch(unit)
    const end = () => {
      watchdog.forget(unit)
      control.forget(unit)
    }
    const attempt = async (tx: Tx): Promise<T> => {
      opened = { tx }
      unit.awaits(undefined)
      try {
        if (unit.ended) throw new Error('The unit of work was given up before it began')
        const result = await work(unit, tx)
        // Somebody else may be at this work by now: it must not be committed.
        if (unit.ended) throw new Error('The unit of work was given up while it ran')
        return result
      } catch (error) {
        throw unitOfWork.failureOf ? told(error, unitOfWork.failureOf(tx)) : error
      }
    }
    unitOfWork.run(attempt).then(
      (result) => {
        end()
        resolve(result)
      },
      (error: unknown) => {
        end()
        reject(error)
      },
    )
  })
}

/** A transaction that is over fails with what ended it, whatever a calculator made of that. */
function told(error: unknown, ended: unknown): unknown {
  if (!(error instanceof StageFailure)) return ended ?? error
  return new StageFailure(error.stage, ended ?? error.cause, ended === undefined)
}

function abandon<Tx>({ unitOfWork, logger }: RunSettings<Tx>, tx: Tx): void {
  try {
    unitOfWork.abandon?.(tx)
  } catch (error) {
    logger.warn({ err: error }, 'The connection of a unit of work that was given up could not be closed')
  }
}

async function callAll<Tx>(calls: readonly (() => unknown)[], { logger }: RunSettings<Tx>): Promise<void> {
  for (const call of calls) {
    try {
      await call()
    } catch (error) {
      logger.error({ err: error }, `A call after the commit failed: ${messageOf(error)}`)
    }
  }
}
