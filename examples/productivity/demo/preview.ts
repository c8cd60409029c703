import { addDays, countDays, type DayDifference, type HistoryEntry, type RecalcService } from 'recalc-service'
import { textTable } from 'recalc-service/cli'
import type { Database, Tx } from '../schema/tables.ts'
import { hundredths } from '../scoring/arithmetic.ts'
import type { RoleChange } from '../scoring/role-change.ts'
import type { DateRange } from './report.ts'

/** What can be done with a new rule. */
export interface Rules {
  /** What it would change; nothing is written. */
  preview(change: RoleChange): ReturnType<RecalcService<Tx>['preview']>
  /** A service with the new rule. */
  changed(change: RoleChange): RecalcService<Tx>
}

/**
 * Shows what a role that counts double from the middle of the range on would change, then has it changed, and compares: what was
 * shown against the history of the run.
 *
 * @returns whether exactly that happened.
 */
export async function showPreview(db: Database, tenantId: string, range: DateRange, rules: Rules): Promise<boolean> {
  const { change, name, before } = await doubled(db, range)
  console.log(`\nPreview: from ${change.from} on, ${name} counts ${change.multiplier / 100} instead of ${before}`)
  const shown = new Set<string>()
  const days = new Map<string, number>()
  const points = new Map<string, Points>()
  const preview = rules.preview(change)
  for await (const difference of preview) {
    shown.add(textOf(difference.date, difference))
    days.set(difference.stage, (days.get(difference.stage) ?? 0) + 1)
    if (difference.stage === 'daily_scores') addPoints(points, difference)
  }
  const { changedDays, days: all } = await preview.summary
  console.log(`${changedDays} of ${all} employee-days would change; nothing is written yet.`)
  console.log(
    textTable(
      ['stage', 'days'],
      [...days].map(([stage, count]) => [stage, String(count)]),
    ),
  )
  console.log(`\nWho would gain most:\n${mostGained(points)}`)

  const service = rules.changed(change)
  try {
    const job = await service.triggerRecalcAllAsync({ tenantId, ...range }, { reason: `${name} counts double` })
    const { status } = await job.result
    const happened = await historyOf(service, tenantId, job.id)
    const isSame =
      status === 'completed' && happened.size === shown.size && [...shown].every((one) => happened.has(one))
    console.log(
      isSame
        ? `\nDone: exactly these ${happened.size} rows of days changed, and no other.`
        : `\nExpected the ${shown.size} changes that were shown, but ${happened.size} happened (${status}).`,
    )
    return isSame
  } finally {
    await service.stop()
  }
}

interface Points {
  before: number
  after: number
}

async function doubled(db: Database, { from, to }: DateRange) {
  const role = await db
    .selectFrom('role_configs')
    .innerJoin('activity_logs', 'role_id', 'role_configs.id')
    .select(({ fn }) => ['role_configs.id', 'role_name', 'multiplier', fn.sum('items_count').as('items')])
    .groupBy(['role_configs.id', 'role_name', 'multiplier'])
    .orderBy('items', 'desc')
    .orderBy('role_configs.id')
    .executeTakeFirstOrThrow()
  const middle = addDays(from, Math.floor(countDays(from, to) / 2))
  const change: RoleChange = { roleId: role.id, multiplier: 2 * hundredths(role.multiplier), from: middle }
  return { change, name: role.role_name, before: Number(role.multiplier) }
}

function addPoints(points: Map<string, Points>, { employeeId, before, after }: DayDifference): void {
  const sum = points.get(employeeId) ?? { before: 0, after: 0 }
  points.set(employeeId, { before: sum.before + pointsIn(before), after: sum.after + pointsIn(after) })
}

/** In hundredths, of the rows of a day. */
function pointsIn(rows: unknown): number {
  return ((rows ?? []) as readonly { readonly points_earned: number }[]) // the stage's own values
    .reduce((sum, { points_earned }) => sum + points_earned, 0)
}

function mostGained(points: ReadonlyMap<string, Points>, limit = 5): string {
  const gains = [...points].sort(([, a], [, b]) => b.after - b.before - (a.after - a.before)).slice(0, limit)
  const inPoints = (value: number) => (value / 100).toFixed(2)
  return textTable(
    ['employee', 'points', 'would be'],
    gains.map(([employee, { before, after }]) => [employee, inPoints(before), inPoints(after)]),
  )
}

/** All that a run has changed. */
async function historyOf(service: RecalcService<Tx>, tenantId: string, runId: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (let after: string | undefined; ; ) {
    const request = { tenantId, runId, limit: 1_000, ...(after !== undefined && { after }) }
    const page: readonly HistoryEntry[] = await service.history(request)
    for (const entry of page) found.add(textOf(entry.date, entry))
    after = page.at(-1)?.id
    if (after === undefined) return found
  }
}

function textOf(
  date: string | undefined,
  { employeeId, stage, before, after }: Pick<DayDifference, 'employeeId' | 'stage' | 'before' | 'after'>,
): string {
  return JSON.stringify([employeeId, date, stage, before, after])
}
