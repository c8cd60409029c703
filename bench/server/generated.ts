import { addDays, dayBounds, parseIsoDate } from 'recalc-service'
import { createTables } from '../../examples/productivity/schema/migrations.ts'
import type { Database } from '../../examples/productivity/schema/tables.ts'
import { insertSources } from '../../examples/productivity/sources/insert-sources.ts'
import { benchSources } from './sources.ts'
import type { Workload } from './workload.ts'

/** Options of the MariaDB that is measured. */
export const MARIADB_SETTINGS = [
  '--innodb-buffer-pool-size=512M',
  '--innodb-log-file-size=256M',
  '--max-allowed-packet=16M',
]

/** The tables of the reference back end, with 30 generated days of 500 employees. */
export async function generatedWorkload(db: Database, url: string): Promise<Workload> {
  const zone = 'Europe/Berlin'
  const from = parseIsoDate('2025-03-03', 'from')
  const size = { zone, from, days: 30, employees: 500 }
  const to = addDays(from, size.days - 1)
  await createTables(db)
  await insertSources(db, benchSources({ ...size, activitiesPerDay: 40 }))
  const employeeIds = (await db.selectFrom('employees').select('id').execute()).map(({ id }) => id)
  const asOf = new Date(dayBounds(to, zone).start.getTime() + 15 * 60 * 60_000)
  return { db, url, zone, from, to, asOf, employeeIds }
}
