import { randomUUID } from 'node:crypto'
import { fromEpochDay } from '../calendar/epoch-day.ts'
import type { RunIdentity } from '../pipeline/context.ts'
import type { BlockCalculator } from '../run/blocks/block-calculator.ts'
import type { CalcOwner } from '../run/blocks/calc-context.ts'
import { calculatorOf } from '../run/blocks/calculator-of.ts'
import type { RetryNotice } from '../run/journal.ts'
import type { RunControl } from '../run/run-control.ts'
import { inUnitOfWork, type OpenUnit, withUnits } from '../run/units/unit-runner.ts'
import type { UnitRank } from '../run/units/unit-slots.ts'
import type { ChangesSettings } from './changes-settings.ts'

/** Whoever settles: with what, on whose behalf, and until when. */
export interface SettleOwner<Tx> {
  readonly settings: ChangesSettings<Tx>
  readonly control: RunControl
  readonly rank: UnitRank
  /** Undefined where there are only tenant stages. */
  readonly calculator: BlockCalculator<Tx> | undefined
  readonly journal: { retrying(notice: RetryNotice): void }
}

export function settleOwner<Tx>(settings: ChangesSettings<Tx>, control: RunControl, rank: UnitRank): SettleOwner<Tx> {
  const { wholePass, block, logger } = settings
  const retrying = (notice: RetryNotice) => logger.warn(notice, 'Transient error, trying again')
  return { settings, control, rank, calculator: calculatorOf(wholePass, block.days, settings), journal: { retrying } }
}

/** A settle as calculators see it. */
export function calcOwner<Tx>(owner: SettleOwner<Tx>, zone: string, first: number, last: number): CalcOwner<Tx> {
  const { settings } = owner
  const identity: RunIdentity = { id: randomUUID(), kind: 'settle', from: fromEpochDay(first), to: fromEpochDay(last) }
  return { settings, identity, plan: { zone }, now: () => new Date(settings.clock.now()) }
}

/** Does something in one unit of work that holds the given employees in this process. */
export function inSettleUnit<Tx, T>(
  owner: SettleOwner<Tx>,
  keys: readonly string[],
  work: (unit: OpenUnit<Tx>) => Promise<T>,
): Promise<T> {
  return withUnits<Tx, SettleOwner<Tx>, T>(owner, (units) => inUnitOfWork(units, keys, work))
}
