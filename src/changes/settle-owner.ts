import { randomUUID } from 'node:crypto'
import { fromEpochDay } from '../calendar/epoch-day.ts'
import type { RunIdentity } from '../pipeline/context.ts'
import type { BlockCalculator } from '../run/blocks/block-calculator.ts'
import type { CalcOwner } from '../run/blocks/calc-context.ts'
import { calculatorOf } from '../run/blocks/calculator-of.ts'
import type { RetryNotice } from '../run/journal.ts'
import type { RunControl } from '../run/run-control.ts'
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
  const { settings, control } = owner
  const identity: RunIdentity = { id: randomUUID(), kind: 'settle', from: fromEpochDay(first), to: fromEpochDay(last) }
  return { settings, control, identity, plan: { zone }, now: () => new Date(settings.clock.now()) }
}
