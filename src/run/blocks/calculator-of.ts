import type { Selection } from '../../pipeline/selection.ts'
import type { RunSettings } from '../run-settings.ts'
import type { BlockCalculator } from './block-calculator.ts'
import { DailyCalculator } from './daily-calculator.ts'
import { PeriodCalculator } from './periods/period-calculator.ts'
import { StageCalculator } from './stage-calculator.ts'

/**
 * What calculates the days and periods of a selection; undefined when it has none, only tenant stages.
 *
 * @param dailyDays The most dates of one block of a `dailyCalc` that loads.
 */
export function calculatorOf<Tx>(
  selection: Selection<Tx>,
  dailyDays: number,
  settings: RunSettings<Tx>,
): BlockCalculator<Tx> | undefined {
  const days = dayCalculatorOf(selection, dailyDays, settings)
  return selection.periodStages.length > 0 ? new PeriodCalculator(selection, days, settings.block, settings) : days
}

function dayCalculatorOf<Tx>(
  selection: Selection<Tx>,
  dailyDays: number,
  settings: RunSettings<Tx>,
): BlockCalculator<Tx> | undefined {
  if (selection.dailyCalc) return new DailyCalculator(selection.dailyCalc, dailyDays, settings)
  return selection.dayStages.length > 0 ? new StageCalculator(selection, settings.block, settings) : undefined
}
