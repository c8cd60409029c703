import {
  type Block,
  type DayKey,
  type DayStage,
  type DayValue,
  dateOf,
  dayBounds,
  dayKey,
  parseIsoDate,
  type RunIdentity,
  type StageContext,
} from 'recalc-service'
import type { Tx } from '../examples/productivity/schema/tables.ts'
import { alerts } from '../examples/productivity/stages/alerts.ts'
import type { AsOf } from '../examples/productivity/stages/as-of.ts'
import { dailyScores } from '../examples/productivity/stages/daily-scores.ts'
import { hourlyCosts } from '../examples/productivity/stages/hourly-costs.ts'
import { idlePeriods } from '../examples/productivity/stages/idle-periods.ts'
import { scoredDaysStage } from '../examples/productivity/stages/scored-days.ts'

const silent = () => {}

const NEW_YEAR = parseIsoDate('2025-01-01', 'from')

/** What the loops that do without the library hand to the stages. */
export const bareContext = {
  zoneOf: async () => 'UTC',
  dayBounds: (date: string, zone = 'UTC') => dayBounds(date, zone),
  dateOf: (instant: Date, zone = 'UTC') => dateOf(instant, zone),
  signal: new AbortController().signal,
  attempt: 1,
  logger: { debug: silent, info: silent, warn: silent, error: silent },
  now: () => new Date(),
  run: { id: 'loop', kind: 'all', from: NEW_YEAR, to: NEW_YEAR } satisfies RunIdentity,
  afterCommit() {},
}

/** The example's day stages, in order. */
export function dayStages(asOf: number): readonly DayStage<Tx>[] {
  const at: AsOf = () => asOf
  return [scoredDaysStage(at), dailyScores, idlePeriods, alerts, hourlyCosts]
}

/**
 * The same reads, the same calculation and the same writes for a block without the library. Nothing is compared, and what is
 * no longer due is left to the caller.
 */
export async function calculateChunk(
  stages: readonly DayStage<Tx>[],
  block: Block,
  { tx, zone }: { readonly tx: Tx; readonly zone: string },
): Promise<void> {
  const valuesOf = new Map<string, ReadonlyMap<DayKey, unknown>>()
  const context: StageContext<Tx> = {
    ...bareContext,
    tx,
    zone,
    // The stages ask for what those before them gave.
    valuesOf: <Value>({ name }: { name: string }) => valuesOf.get(name) as ReadonlyMap<DayKey, Value | null>,
  }
  for (const stage of stages) {
    const inputs = await stage.load(block, context)
    const values = new Map<DayKey, unknown>()
    const upserts: DayValue<unknown>[] = []
    for (const employeeId of block.employeeIds) {
      for (const date of block.dates) {
        const day = { tenantId: block.tenantId, employeeId, date }
        const value = stage.calculate(day, inputs, null)
        values.set(dayKey(day), value)
        if (value !== null) upserts.push({ day, value, stored: undefined })
      }
    }
    valuesOf.set(stage.name, values)
    if (upserts.length > 0) await stage.save?.({ upserts, deletes: [] }, context)
  }
}
