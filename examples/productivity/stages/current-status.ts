import { dateOf, type TenantStage, tenantStage } from 'recalc-service'
import type { CurrentStatusTable, Tx } from '../schema/tables.ts'
import { currentStatus, statusSince } from '../scoring/current-status.ts'
import type { AsOf } from './as-of.ts'
import { employeePages } from './read/employee-pages.ts'
import { loadFacts } from './read/load-facts.ts'
import { employeeTable } from './write/employee-table.ts'

interface Row {
  readonly status: CurrentStatusTable['status']
  readonly since: number | null
  readonly last_activity_at: number | null
  readonly role_id: number | null
  readonly items_today: number
  readonly points_today: number
}

const write = employeeTable<Row>({
  table: 'employee_current_status',
  columns: ['status', 'since', 'last_activity_at', 'role_id', 'items_today', 'points_today'],
  decimals: { points_today: [16, 2] },
})

/** Rule 10: who of the run's employees works, idles or has left, today. */
export function currentStatusStage(asOf: AsOf): TenantStage<Tx> {
  return tenantStage<Tx>({
    name: 'employee_current_status',
    title: 'Telling who works right now',
    reads: ['clock_times', 'activity_logs', 'role_configs'],
    writes: ['employee_current_status'],

    async run(context) {
      const { tx, zone, signal } = context
      const now = asOf(context)
      const today = dateOf(new Date(now), zone)
      for await (const page of employeePages(tx, context.employeeIds)) {
        signal.throwIfAborted()
        const block = { employeeIds: page, dates: [today], from: today, to: today }
        const { days, employees } = await loadFacts(block, { tx, zone }, now, statusSince(now))
        const rows = new Map<string, Row>()
        for (const [employeeId, facts] of employees) {
          const day = days.get(today)
          const status = day && currentStatus(facts.on(day, statusSince(now)))
          if (!status) continue
          rows.set(employeeId, {
            status: status.status,
            since: status.since,
            last_activity_at: status.lastActivityAt,
            role_id: status.roleId,
            items_today: status.itemsToday,
            points_today: status.pointsToday,
          })
        }
        await write(tx, page, rows)
      }
    },
  })
}
