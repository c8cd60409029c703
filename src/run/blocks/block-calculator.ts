import type { CalcContext } from '../../pipeline/context.ts'
import type { PeriodStage } from '../../pipeline/period-stage.ts'
import type { Awaiting } from '../units/unit-watchdog.ts'
import type { BlockDays } from './block-days.ts'
import type { Cascade } from './cascade.ts'
import type { UnchangedValues, ValueChange } from './value-change.ts'

/** The most that is loaded, locked and saved at once. */
export interface BlockShape {
  /** The most employees. Default 25. */
  readonly employees: number
  /** The most consecutive dates. Default 31. */
  readonly days: number
}

/** The unit of work of a block, as a calculator gets it. */
export interface BlockUnit<Tx> {
  readonly context: CalcContext<Tx>
  readonly monitor: Awaiting
  /** Whether rows that no source supports any more are removed. */
  readonly clearExisting: boolean
  /** Follows changed values to the days that read them; undefined where nobody asks for that. */
  readonly cascade: Cascade | undefined
  /** Hears of what a stage is about to save, right before it does. */
  readonly onChanges?: ((changes: readonly ValueChange[]) => void) | undefined
  /** Hears of values that are calculated, and right as they stand. */
  readonly unchanged?: UnchangedValues | undefined
}

/** How a run calculates its days, a block at a time: by day stages, or by a `dailyCalc`. */
export interface BlockCalculator<Tx> {
  readonly shape: BlockShape
  /** A day builds on the days before it, so a failed day blocks the later ones of its employee. */
  readonly blocksLater: boolean
  /** Calculated behind the days, where there are any. */
  readonly periodStages?: readonly PeriodStage<never>[]
  /** Those of which days read earlier periods: a block ends where such a period does. */
  readonly periodsBeforeDays?: readonly PeriodStage<never>[]
  /**
   * Calculates and writes the open days of a block; those that fail are marked in `days`.
   *
   * @returns how many days differ from what was stored.
   * @throws {FailedAfterSave} when a day failed after something was written: the block is to be done again without it.
   */
  calculate(days: BlockDays, unit: BlockUnit<Tx>): Promise<number>
}

/** Thrown to roll a block back in which a day failed after some of it was already written. */
export class FailedAfterSave extends Error {}
