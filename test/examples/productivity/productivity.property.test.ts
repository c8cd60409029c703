import { type RecalcService, systemClock } from 'recalc-service'
import { expect, it } from 'vitest'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import type { Database, Tx } from '../../../examples/productivity/schema/tables.ts'
import { fc } from '../../support/fc.ts'
import { HANGS_MS } from '../../support/limits.ts'
import { runs } from '../../support/runs.ts'
import { employeeIds, scenarios } from './support/arbitraries.ts'
import { derivedPlainly } from './support/derived-rows.ts'
import { edited } from './support/generated/edits.ts'
import { HOUR, MINUTE } from './support/generated/times.ts'
import { deriveAll, type PlainDerived } from './support/plain/derive-all.ts'
import { rewriteSources } from './support/rewrite-sources.ts'
import { inTables } from './support/table-rows.ts'
import { openWarehouse } from './support/warehouse.ts'

const tenantId = 't'

/** All the ways in which the same days can be asked for. */
const paths: Readonly<Record<string, (recalc: RecalcService<Tx>, dates: readonly string[]) => Promise<unknown>>> = {
  all: (recalc, dates) => recalc.triggerRecalcAll({ tenantId, ...rangeOf(dates) }),
  batch: (recalc, dates) => recalc.triggerRecalcBatch({ tenantId, employeeIds: [...employeeIds], ...rangeOf(dates) }),
  job: async (recalc, dates) => {
    const job = await recalc.triggerRecalcAllAsync({ tenantId, ...rangeOf(dates) })
    expect(await job.result).toMatchObject({ status: 'completed' })
  },
  range: async (recalc, dates) => {
    for (const employeeId of employeeIds) await recalc.triggerRecalcRange({ tenantId, employeeId, ...rangeOf(dates) })
  },
  'day by day, backwards': async (recalc, dates) => {
    for (const employeeId of employeeIds) {
      for (const date of dates.toReversed()) await recalc.triggerRecalc({ tenantId, employeeId, date })
    }
  },
}

const cases = scenarios.chain((scenario) =>
  fc.record({
    scenario: fc.constant(scenario),
    after: edited(scenario.sources),
    later: fc.constantFrom(0, MINUTE, 20 * MINUTE, 24 * HOUR),
    acknowledged: fc.infiniteStream(fc.boolean()),
    path: fc.constantFrom(...Object.keys(paths)),
  }),
)

it('whichever way days are asked for, after edits they and no others are new, and what is still due stays acknowledged', {
  timeout: HANGS_MS,
}, async () => {
  let kept = 0
  let gone = 0
  await fc.assert(
    fc.asyncProperty(cases, async ({ scenario, after, later, acknowledged, path }) => {
      const { zone, dates, from, to, now: before, sources } = scenario
      let now = before
      const db = await openWarehouse(inTables(sources))
      try {
        const recalc = createProductivity(db, { zone, clock: { ...systemClock, now: () => now } })
        await recalc.triggerRecalcAll({ tenantId, ...rangeOf(dates) })
        const old = deriveAll(sources, { zone, ...rangeOf(dates), now })
        const seen = await acknowledge(
          db,
          old.alerts.filter(() => acknowledged.next().value),
        )

        now += later
        await rewriteSources(db, after)
        const asked = dates.filter((date) => from <= date && date <= to)
        await paths[path]!(recalc, asked)
        const fresh = deriveAll(after, { zone, from, to, now })
        const due = merged(old.alerts, fresh.alerts, asked)
        const { alerts, ...others } = await derivedPlainly(db)
        expect({ ...others, alerts: alerts.map(({ message, ...alert }) => alert) }).toEqual({
          ...fresh,
          dailyScores: merged(old.dailyScores, fresh.dailyScores, asked),
          idlePeriods: merged(old.idlePeriods, fresh.idlePeriods, asked),
          hourlyCosts: merged(old.hourlyCosts, fresh.hourlyCosts, asked),
          alerts: due.map((alert) => ({ ...alert, ...(seen.has(keyOf(alert)) ? acknowledgement : unacknowledged) })),
        })

        const dueKeys = new Set(due.map(keyOf))
        kept += seen.intersection(dueKeys).size
        gone += seen.difference(dueKeys).size
      } finally {
        await db.destroy()
      }
    }),
    { numRuns: runs(50, 400) },
  )
  // The edits must have been worth it.
  expect(Math.min(kept, gone)).toBeGreaterThan(5)
})

function rangeOf(dates: readonly string[]) {
  return { from: dates[0]!, to: dates.at(-1)! }
}

/** The rows of the days that were asked for are the fresh ones, those of all others the old ones. */
function merged<Row extends { readonly employeeId: string; readonly date: string }>(
  old: readonly Row[],
  fresh: readonly Row[],
  asked: readonly string[],
): readonly Row[] {
  const rows = [...old.filter(({ date }) => !asked.includes(date)), ...fresh]
  return employeeIds.flatMap((id) => rows.filter(({ employeeId }) => employeeId === id).sort(byDate))
}

function byDate(a: { readonly date: string }, b: { readonly date: string }): number {
  return Date.parse(a.date) - Date.parse(b.date)
}

type Alert = PlainDerived['alerts'][number]

const acknowledgement = { acknowledgedAt: 1, acknowledgedBy: 'somebody' }
const unacknowledged = { acknowledgedAt: null, acknowledgedBy: null }

/** The keys of those who are acknowledged now. */
async function acknowledge(db: Database, alerts: readonly Alert[]): Promise<ReadonlySet<string>> {
  for (const { employeeId, date, type, eventAt } of alerts) {
    await db
      .updateTable('alerts')
      .set({ acknowledged_at: 1, acknowledged_by: 'somebody' })
      .where('employee_id', '=', employeeId)
      .where('work_date', '=', date)
      .where('alert_type', '=', type)
      .where('event_at', '=', eventAt)
      .execute()
  }
  return new Set(alerts.map(keyOf))
}

function keyOf({ employeeId, date, type, eventAt }: Alert): string {
  return JSON.stringify([employeeId, date, type, eventAt])
}
