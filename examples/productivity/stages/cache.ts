import { dateOf, dayBounds, type TenantStage, tenantStage } from 'recalc-service'
import type { Cache } from '../database/redis.ts'
import type { Tx } from '../schema/tables.ts'
import type { AsOf } from './as-of.ts'

/** How long a cached answer is believed without having been refreshed. */
const SECONDS_TO_LIVE = 300

/**
 * Refreshes what dashboards ask for all the time. A cache is a convenience: without one, or when it is down, there is a
 * warning and the job completes.
 */
export function cacheStage(asOf: AsOf, cache: Cache | undefined): TenantStage<Tx> {
  return tenantStage<Tx>({
    name: 'cache',
    title: 'Refreshing caches',
    reads: ['employee_current_status', 'clock_times'],
    writes: ['cache'],

    async run(context) {
      const { tx, zone, logger } = context
      if (!cache) {
        logger.warn({}, 'No Redis is configured: the caches were not refreshed')
        return
      }
      const today = dateOf(new Date(asOf(context)), zone)
      const statuses = await statusesOf(tx)
      const entries = {
        currently_working: statuses.filter(({ status }) => status !== 'off'),
        working_today: statuses,
        today_clock_times: await clockTimesOf(tx, dayBounds(today, zone)),
      }
      try {
        const values = Object.entries(entries).map(([key, value]) => [key, JSON.stringify(value)] as const)
        await cache.replace(new Map(values), SECONDS_TO_LIVE)
      } catch (error) {
        logger.warn({ error }, 'Redis did not take them: the caches were not refreshed')
      }
    },
  })
}

async function statusesOf(tx: Tx) {
  const rows = await tx
    .selectFrom('employee_current_status')
    .innerJoin('employees', 'employees.id', 'employee_id')
    .selectAll('employee_current_status')
    .select('name')
    .orderBy('employee_id')
    .execute()
  // A decimal is text to one driver and a number to another.
  return rows.map((row) => ({ ...row, points_today: Number(row.points_today) }))
}

async function clockTimesOf(tx: Tx, { start, end }: { readonly start: Date; readonly end: Date }) {
  return await tx
    .selectFrom('clock_times')
    .select(['id', 'employee_id', 'clock_in', 'clock_out', 'break_minutes'])
    .where('clock_in', '>=', start.getTime())
    .where('clock_in', '<', end.getTime())
    .orderBy('clock_in')
    .orderBy('id')
    .execute()
}
