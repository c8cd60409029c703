import type { AllRequest, RecalcService } from 'recalc-service'
import { installCapture } from 'recalc-service/sql'
import { capturedSources } from '../captured-sources.ts'
import type { Database, Tx } from '../schema/tables.ts'

/**
 * Edits single rows of the source tables as anybody at an SQL prompt would: triggers note what is different, and settling
 * calculates the days that follow from it.
 *
 * @returns whether a full recalculation then changes nothing.
 */
export async function editLive(productivity: RecalcService<Tx>, db: Database, request: AllRequest): Promise<boolean> {
  const { tenantId } = request
  await installCapture(db, capturedSources(tenantId))
  await productivity.settle({ tenantId })
  console.log('\nLive: single rows are edited, and nobody names a day:')
  for (const [what, edit] of await edits(db)) {
    await edit()
    const begin = performance.now()
    const { days, failed } = await productivity.settle({ tenantId })
    const ms = Math.round(performance.now() - begin)
    const failures = failed > 0 ? `, ${failed} failed` : ''
    console.log(`  ${what.padEnd(44)} ${String(days).padStart(6)} days settled${failures}, fresh after ${ms} ms`)
  }
  const job = await productivity.triggerRecalcAllAsync(request)
  const { status, processedDays, unchangedDays } = await job.result
  const nothingChanged = status === 'completed' && processedDays === unchangedDays
  console.log(
    nothingChanged
      ? `A full recalculation of ${processedDays} days then changes nothing.`
      : `Expected a full recalculation to change nothing, but ${processedDays - unchangedDays} days changed (${status}).`,
  )
  return nothingChanged
}

type Edit = readonly [what: string, edit: () => Promise<unknown>]

async function edits(db: Database): Promise<readonly Edit[]> {
  const shift = await db
    .selectFrom('clock_times')
    .selectAll()
    .where('clock_out', 'is not', null)
    .orderBy('id')
    .executeTakeFirst()
  const activity = await db.selectFrom('activity_logs').selectAll().orderBy('id').executeTakeFirst()
  const rate = await db.selectFrom('pay_rates').selectAll().orderBy('employee_id').executeTakeFirst()
  const role = await db.selectFrom('role_configs').selectAll().orderBy('id').executeTakeFirst()
  const another = await db.selectFrom('employees').select('id').orderBy('id', 'desc').executeTakeFirst()
  const all: Edit[] = []
  if (shift) {
    const { id, clock_out } = shift
    const update = (values: object) => () => db.updateTable('clock_times').set(values).where('id', '=', id).execute()
    all.push(['clock_times: a shift ends an hour earlier', update({ clock_out: Number(clock_out) - 3_600_000 })])
    if (another) all.push(['clock_times: it was somebody else’s shift', update({ employee_id: another.id })])
  }
  if (activity) {
    const { id, items_count } = activity
    const update = () =>
      db
        .updateTable('activity_logs')
        .set({ items_count: items_count + 10 })
        .where('id', '=', id)
        .execute()
    all.push(['activity_logs: ten items more', update])
    all.push(['activity_logs: the same once more', update])
    all.push(['activity_logs: it is deleted', () => db.deleteFrom('activity_logs').where('id', '=', id).execute()])
  }
  if (rate) {
    const { employee_id, effective_from, hourly_rate } = rate
    const raised = { hourly_rate: Number(hourly_rate) + 1 }
    const own = db.updateTable('pay_rates').set(raised).where('employee_id', '=', employee_id)
    all.push(['pay_rates: a rate is raised', () => own.where('effective_from', '=', effective_from).execute()])
  }
  if (role) {
    const doubled = { multiplier: Number(role.multiplier) * 2 }
    all.push([
      'role_configs: a role counts double',
      () => db.updateTable('role_configs').set(doubled).where('id', '=', role.id).execute(),
    ])
  }
  return all
}
