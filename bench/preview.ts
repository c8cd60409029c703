import { addDays, dayBounds, parseIsoDate } from 'recalc-service'
import { createProductivity } from '../examples/productivity/productivity.ts'
import { createTables } from '../examples/productivity/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../examples/productivity/schema/tables.ts'
import { insertSources } from '../examples/productivity/sources/insert-sources.ts'
import { openMysql } from '../examples/shared/database/mysql.ts'
import { openPostgres } from '../examples/shared/database/postgres.ts'
import { startMariadb } from '../test/support/mariadb-server.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { median } from './measure.ts'
import { benchSources } from './server/sources.ts'
import { empty, TENANT, type Workload } from './server/workload.ts'

const ROUNDS = 5
const MARIADB = ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=256M', '--max-allowed-packet=16M']

/** A preview against the run that it shows: when everything changes, and when nothing does. */
export async function benchPreview(): Promise<void> {
  const servers = [
    { name: 'MariaDB', server: await startMariadb({ settings: MARIADB }), open: openMysql<Tables> },
    { name: 'PostgreSQL', server: await startPostgres(), open: openPostgres<Tables> },
  ]
  for (const { name, server, open } of servers) {
    const url = `${server.url}/preview`
    const db = await open(url, INSTANTS)
    await race(name, db, url)
    await db.destroy()
    await server.stop()
  }
}

async function race(name: string, db: Database, url: string): Promise<void> {
  const zone = 'Europe/Berlin'
  const from = parseIsoDate('2025-03-03', 'from')
  const size = { zone, from, days: 30, employees: 500 }
  const to = addDays(from, size.days - 1)
  await createTables(db)
  await insertSources(db, benchSources({ ...size, activitiesPerDay: 40 }))
  const employeeIds = (await db.selectFrom('employees').select('id').execute()).map(({ id }) => id)
  const asOf = new Date(dayBounds(to, zone).start.getTime() + 15 * 60 * 60_000)
  const workload: Workload = { db, url, zone, from, to, asOf, employeeIds }
  const service = createProductivity(db, { zone, asOf })
  const request = { tenantId: TENANT, from, to }
  const run = () =>
    timeOf(async () => {
      const { status } = await (await service.triggerRecalcAllAsync(request)).result
      return status === 'completed'
    })
  const preview = (isChanged: boolean) =>
    timeOf(async () => {
      const { changedDays } = await service.preview(request).summary
      return changedDays > 0 === isChanged
    })
  const times = { previewAll: [], run: [], previewNothing: [], again: [] } as Record<string, number[]>
  for (let round = -1; round < ROUNDS; round++) {
    await empty(workload)
    const measured = {
      previewAll: await preview(true),
      run: await run(),
      previewNothing: await preview(false),
      again: await run(),
    }
    if (round < 0) continue // warming up
    for (const [what, ms] of Object.entries(measured)) times[what]?.push(ms)
  }
  await service.stop()
  const ratio = (what: string, than: string) =>
    `${(median(times[what] ?? []) / median(times[than] ?? [])).toFixed(2)} x`
  const days = size.days * size.employees
  console.log(`\npreview on ${name}: ${days.toLocaleString('en')} employee-days, medians of ${ROUNDS} rounds`)
  console.log(`  everything changes: preview / run                  ${ratio('previewAll', 'run')} (at most 1.0)`)
  console.log(`  nothing changes: preview / unchanged run           ${ratio('previewNothing', 'again')} (at most 1.1)`)
}

async function timeOf(work: () => Promise<boolean>): Promise<number> {
  const begin = performance.now()
  if (!(await work())) throw new Error('Expected the work to come out as it should')
  return performance.now() - begin
}
