import { DAILY_CALC } from '../../pipeline/stage-shape.ts'
import type { DailyCalc } from '../../pipeline/stages.ts'
import { failureOf } from '../failure.ts'
import { type BlockCalculator, type BlockShape, type BlockUnit, FailedAfterSave } from './block-calculator.ts'
import type { BlockDays } from './block-days.ts'
import { callStage, type StageLimits } from './stage-call.ts'

/** Calculates days by a host's `dailyCalc`, which reads and writes by itself: one employee at a time. */
export class DailyCalculator<Tx> implements BlockCalculator<Tx> {
  readonly shape: BlockShape
  readonly blocksLater = false
  readonly #dailyCalc: DailyCalc<Tx>
  readonly #limits: StageLimits

  constructor(dailyCalc: DailyCalc<Tx>, blockDays: number, limits: StageLimits) {
    this.#dailyCalc = dailyCalc
    this.#limits = limits
    this.shape = { employees: 1, days: dailyCalc.load ? blockDays : 1 }
  }

  async calculate(days: BlockDays, unit: BlockUnit<Tx>): Promise<number> {
    const block = days.toCalculate()
    if (!block) return 0
    const dailyCalc = this.#dailyCalc
    const limits = this.#limits
    const { load } = dailyCalc
    const inputs = load
      ? await callStage(DAILY_CALC, unit, unit.context, limits, (own) => load.call(dailyCalc, block, own))
      : undefined
    let changed = 0
    for (let number = 0; number < days.block.dates.length; number++) {
      if (!days.isOpen(number)) continue
      const day = days.day(number)
      try {
        const change = await callStage(DAILY_CALC, unit, unit.context, limits, (own) =>
          dailyCalc.calculateDay(day, own, inputs),
        )
        if (change === 'unchanged') continue
        changed += 1
        unit.cascade?.changedDay(number)
      } catch (error) {
        // A block of one day is left to whoever halves blocks; of a longer one the other days are done without it.
        if (days.block.dates.length === 1) throw error
        const { employeeId, date } = day
        days.fail(number, failureOf(error, { employeeId, date, stage: DAILY_CALC }, unit.context.attempt))
        throw new FailedAfterSave('', { cause: error })
      }
    }
    return changed
  }
}
