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
import { peakOf, printPeak } from './memory.ts'
import { benchSources } from './server/sources.ts'
import { empty, TENANT, type Workload } from './server/workload.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const SETTINGS = ['--innodb-buffer-pool-size=512M', '--innodb-log-file-size=256M', '--max-allowed-packet=16M']
const SIZES = [100_000, 1_000_000]

/** A preview against the run that it shows: when everything changes, and when nothing does; and its memory. */
export async function benchPreview(): Promise<void> {
  const mariadb = await startMariadb({ settings: SETTINGS })
  try {
    const url = `${mariadb.url}/preview`
    await compare('MariaDB', url, await openMysql<Tables>(url, INSTANTS))
  } finally {
    await mariadb.stop()
  }
  const postgres = await startPostgres()
  try {
    const url = `${postgres.url}/preview`
    await compare('PostgreSQL', url, await openPostgres<Tables>(url, INSTANTS))
  } finally {
    await postgres.stop()
  }
  console.log(
    '\npreview: peak memory above the idle process (resident set), 1,000,000 days in all, every one different',
  )
  for (const days of SIZES) {
    printPeak(`previews of ${days.toLocaleString('en')} days`, peakOf('preview-memory-child.ts', [String(days)]))
  }
}

interface Cost {
  readonly ms: number
  /** Of this process; who else is at work on the machine does not add to it. */
  readonly cpuMs: number
}

async function compare(name: string, url: string, db: Database): Promise<void> {
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
  const ways = {
    run: async () => {
      const handle = await service.triggerRecalcAllAsync(request)
      const { status } = await handle.result
      if (status !== 'completed') throw new Error(`Expected the job to be completed, it is ${status}`)
    },
    preview: async () => {
      const { status } = await service.preview(request).summary
      if (status !== 'completed') throw new Error(`Expected the preview to be completed, it is ${status}`)
    },
  }
  const ratios = { changed: [] as Cost[], unchanged: [] as Cost[] }
  for (let round = -1; round < ROUNDS; round++) {
    const costs = { changed: {} as Record<string, Cost>, unchanged: {} as Record<string, Cost> }
    // Who begins changes, so that neither always finds the server as the other has left it.
    const order = round % 2 === 0 ? (['run', 'preview'] as const) : (['preview', 'run'] as const)
    for (const way of order) {
      await empty(workload)
      costs.changed[way] = await costOf(ways[way])
    }
    await ways.run()
    for (const way of order) costs.unchanged[way] = await costOf(ways[way])
    if (round < 0) continue // warming up
    for (const what of ['changed', 'unchanged'] as const) {
      const { run, preview } = costs[what]
      if (run && preview) ratios[what].push({ ms: preview.ms / run.ms, cpuMs: preview.cpuMs / run.cpuMs })
    }
  }
  const days = size.days * size.employees
  console.log(`\npreview on ${name}: ${days.toLocaleString('en')} employee-days, 8 stages, median of ${ROUNDS} rounds`)
  tell('preview / first run, everything changes', ratios.changed, '(at most 1.0)')
  tell('preview / second run, nothing changes', ratios.unchanged, '(at most 1.1)')
  await service.stop()
  await db.destroy()
}

function tell(what: string, ratios: readonly Cost[], target: string): void {
  const of = (part: keyof Cost) => `${median(ratios.map((ratio) => ratio[part])).toFixed(2)} x`
  console.log(`  ${what.padEnd(44)} ${of('ms')} by the clock, ${of('cpuMs')} by this process's CPU ${target}`)
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const before = process.cpuUsage()
  const begin = performance.now()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - begin, cpuMs: (user + system) / 1_000 }
}
