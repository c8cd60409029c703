import { type DayKey, dayKey, dayStage } from 'recalc-service'
import { grouped } from '../../shared/grouped.ts'
import type { Tx } from '../schema/tables.ts'
import { hundredths } from '../scoring/arithmetic.ts'
import { hourlyCost, type PayRate } from '../scoring/hourly-cost.ts'
import type { ScoredDay } from '../scoring/score-day.ts'
import { scoredDays } from './scored-days.ts'
import { derivedTable } from './write/derived-table.ts'

interface Row {
  readonly hourly_rate: number
  readonly labor_cost: number
  readonly cost_per_item: number | null
}

const { fitting, ...table } = derivedTable<Row>({
  table: 'employee_hourly_costs',
  date: 'work_date',
  key: [],
  columns: ['hourly_rate', 'labor_cost', 'cost_per_item'],
  decimals: { hourly_rate: [8, 2], labor_cost: [14, 2], cost_per_item: [16, 4] },
})

interface Inputs {
  readonly scored: ReadonlyMap<DayKey, ScoredDay | null>
  readonly rates: ReadonlyMap<string, readonly PayRate[]>
}

/** Rule 8: what a scored day cost, at the rate of that day. */
export const hourlyCosts = dayStage<readonly Row[], Inputs, Tx>({
  name: 'employee_hourly_costs',
  title: 'Costing days',
  reads: { scored_days: [0, 0], pay_rates: [Number.NEGATIVE_INFINITY, 0] },
  writes: ['employee_hourly_costs'],

  async load({ employeeIds, to }, context) {
    const rows = await context.tx
      .selectFrom('pay_rates')
      .selectAll()
      .where('employee_id', 'in', employeeIds)
      .where('effective_from', '<=', to)
      .orderBy('employee_id')
      .orderBy('effective_from')
      .execute()
    const rates = rows.map((row) => ({
      employeeId: row.employee_id,
      from: row.effective_from,
      hourlyRate: hundredths(row.hourly_rate),
    }))
    return { scored: context.valuesOf(scoredDays), rates: grouped(rates, ({ employeeId }) => employeeId) }
  },

  calculate(day, { scored, rates }) {
    const found = scored.get(dayKey(day))
    const cost = found && hourlyCost(day.date, found.score, rates.get(day.employeeId) ?? [])
    if (!cost) return null
    return fitting([{ hourly_rate: cost.hourlyRate, labor_cost: cost.laborCost, cost_per_item: cost.costPerItem }])
  },
  ...table,
})
