import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import type { PlainSources } from './plain/sources.ts'
import { inTables } from './table-rows.ts'

/** Makes the bookings and the rates in the database those of `sources`; employees and roles stay as they are. */
export async function rewriteSources(db: Database, sources: PlainSources): Promise<void> {
  const { payRates, clockTimes, activityLogs } = inTables(sources)
  await db.deleteFrom('pay_rates').execute()
  await db.deleteFrom('clock_times').execute()
  await db.deleteFrom('activity_logs').execute()
  if (payRates.length > 0) await db.insertInto('pay_rates').values(payRates).execute()
  if (clockTimes.length > 0) await db.insertInto('clock_times').values(clockTimes).execute()
  if (activityLogs.length > 0) await db.insertInto('activity_logs').values(activityLogs).execute()
}
