import type { Selectable } from 'kysely'
import { addDays, dayBounds, type IsoDate, parseIsoDate, type RecalcServiceOptions } from 'recalc-service'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import type { AlertsTable, Database, Tx } from '../../../../examples/productivity/schema/tables.ts'
import { generateSources } from '../../../../examples/productivity/sources/generator/generate.ts'
import { insertSources } from '../../../../examples/productivity/sources/insert-sources.ts'
import { allRows, CacheInMemory } from './all-rows.ts'
import type { Path } from './paths.ts'

/** A made-up warehouse, seen in the afternoon of its last day. */
export interface Warehouse {
  readonly zone: string
  readonly from: IsoDate
  readonly days: number
  readonly employees: number
  readonly seed: number
}

/** The clocks go back in the middle of it. */
export const warehouse: Warehouse = {
  zone: 'Europe/Berlin',
  from: parseIsoDate('2025-10-13', 'from'),
  days: 20,
  employees: 13,
  seed: 4,
}

/** For what has to wait for a server, or for the end of many jobs. */
export const smallWarehouse: Warehouse = { ...warehouse, from: addDays(warehouse.from, 9), days: 8, employees: 6 }

/** How a job goes about it. */
export type Ways = Pick<RecalcServiceOptions<Tx>, 'block' | 'concurrency'>

export const tenantId = 't'

export function rangeOf({ from, days }: Warehouse) {
  return { from, to: addDays(from, days - 1) }
}

/** When it is seen. */
export function asOf(warehouse: Warehouse): Date {
  return new Date(dayBounds(rangeOf(warehouse).to, warehouse.zone).start.getTime() + 15.5 * HOUR)
}

/** Everybody's id, in order, even of those who have no row. */
export function everybody({ employees }: Warehouse): readonly string[] {
  return Array.from({ length: employees }, (_, index) => `E${String(index + 1).padStart(5, '0')}`)
}

const HOUR = 60 * 60_000

export async function fill(db: Database, warehouse: Warehouse): Promise<void> {
  await insertSources(db, generateSources({ ...warehouse, until: asOf(warehouse) }))
}

/** Somebody sees to every third alert; which ones. */
export async function acknowledge(db: Database, warehouse: Warehouse): Promise<ReadonlySet<string>> {
  const seen = (await alertsOf(db)).filter((_, index) => index % 3 === 0)
  await db.transaction().execute(async (tx) => {
    for (const { employee_id, work_date, alert_type, event_at } of seen) {
      await tx
        .updateTable('alerts')
        .set({ acknowledged_at: asOf(warehouse).getTime(), acknowledged_by: 'the shift’s lead' })
        .where('employee_id', '=', employee_id)
        .where('work_date', '=', work_date)
        .where('alert_type', '=', alert_type)
        .where('event_at', '=', event_at)
        .execute()
    }
  })
  return new Set(seen.map(keyOf))
}

/** @throws when an alert that is still due is not acknowledged any more. */
export async function checkAcknowledged(db: Database, seen: ReadonlySet<string>): Promise<void> {
  const lost = (await alertsOf(db)).filter((alert) => seen.has(keyOf(alert)) && alert.acknowledged_by === null)
  if (lost.length > 0) throw new Error(`Expected alerts to stay acknowledged, these did not: ${lost.map(keyOf)}`)
}

function alertsOf(db: Database) {
  const alerts = db.selectFrom('alerts').selectAll().orderBy('employee_id').orderBy('work_date')
  return alerts.orderBy('alert_type').orderBy('event_at').execute()
}

function keyOf({ employee_id, work_date, alert_type, event_at }: Selectable<AlertsTable>): string {
  return `${employee_id} ${work_date} ${alert_type} ${event_at}`
}

/** Bookings go, move to another day, to another person, and change; one person has none any more. */
export async function changeSources(db: Database, warehouse: Warehouse): Promise<void> {
  const [first, second, last] = [everybody(warehouse)[0], everybody(warehouse)[1], everybody(warehouse).at(-1)]
  await db.transaction().execute(async (tx) => {
    for (const { id, clock_in, clock_out } of await tx.selectFrom('clock_times').selectAll().execute()) {
      const shift = tx.updateTable('clock_times').where('id', '=', id)
      if (id % 11 === 0) await tx.deleteFrom('clock_times').where('id', '=', id).execute()
      else if (id % 11 === 1) {
        await shift
          .set({ clock_in: clock_in + 24 * HOUR, clock_out: clock_out === null ? null : clock_out + 24 * HOUR })
          .execute()
      } else if (id % 11 === 2) await shift.set({ clock_out: clock_in + 5 * HOUR, break_minutes: 15 }).execute()
    }
    await tx.deleteFrom('activity_logs').where('id', '>', 40).where('id', '<', 60).execute()
    await tx.updateTable('activity_logs').set({ items_count: 3 }).where('id', '>', 80).where('id', '<', 90).execute()
    if (first !== undefined && second !== undefined) {
      for (const table of ['clock_times', 'activity_logs'] as const) {
        await tx
          .updateTable(table)
          .set({ employee_id: second })
          .where('employee_id', '=', first)
          .where('id', '<', 12)
          .execute()
      }
    }
    if (last === undefined || last === first) return
    for (const table of ['clock_times', 'activity_logs'] as const) {
      await tx.deleteFrom(table).where('employee_id', '=', last).execute()
    }
  })
}

/** Everything that is derived after the warehouse was recalculated, seen to, changed and recalculated again. */
export async function rowsBy(path: Path, db: Database, warehouse: Warehouse, ways: Ways = {}): Promise<string> {
  await fill(db, warehouse)
  const cache = new CacheInMemory()
  const open = () => {
    const seen = { zone: warehouse.zone, asOf: asOf(warehouse), cache, progressIntervalMs: 0 }
    return createProductivity(db, { ...seen, ...ways })
  }
  await path.recalculate(open, warehouse)
  const seen = await acknowledge(db, warehouse)
  await changeSources(db, warehouse)
  await path.recalculate(open, warehouse)
  await checkAcknowledged(db, seen)
  return await allRows(db, cache)
}
