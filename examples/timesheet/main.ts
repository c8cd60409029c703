// An office with flextime: fills the source tables, calculates them as a job, edits them, and tells what followed.
import {
  addDays,
  type Clock,
  countDays,
  dateOf,
  type Logger,
  parseIsoDate,
  RecalcError,
  systemClock,
} from 'recalc-service'
import { ProgressBar } from 'recalc-service/cli'
import { DatabaseError } from '../shared/database/database-error.ts'
import { openMysql } from '../shared/database/mysql.ts'
import { openPostgres } from '../shared/database/postgres.ts'
import { openSqlite } from '../shared/database/sqlite.ts'
import { endWithReader } from '../shared/demo/end-with-reader.ts'
import { serveUntilInterrupted } from '../shared/demo/serve.ts'
import { UsageError } from '../shared/demo/usage-error.ts'
import { ImportError } from '../shared/import/import-error.ts'
import { type DemoOptions, readOptions, USAGE } from './demo/cli-options.ts'
import { showCorrections } from './demo/show-corrections.ts'
import { showEdits } from './demo/show-edits.ts'
import { showHeld } from './demo/show-held.ts'
import { changedKeys, takeSnapshot } from './demo/snapshot.ts'
import { createTables } from './schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from './schema/tables.ts'
import { LONGEST, readClockTimes } from './sources/clock-times.ts'
import { generateSources } from './sources/generate.ts'
import { insertSources } from './sources/insert-sources.ts'
import { createTimesheet } from './timesheet.ts'

const TENANT = 'demo'

async function main(options: DemoOptions): Promise<boolean> {
  const { zone, data } = options
  const read = data === undefined ? undefined : await readClockTimes(data, zone)
  const now = options.asOf ?? read?.lastAt ?? Date.now()
  if (read && now - read.firstAt > LONGEST * 86_400_000) {
    throw new UsageError(`Expected --as-of to be at most ${LONGEST} days after the first clock time`)
  }
  console.log(`Zone: ${zone}\nAs of: ${new Date(now).toISOString()}`)
  const db = await open(options.database)
  try {
    await createTables(db)
    if (await db.selectFrom('employees').select('id').limit(1).executeTakeFirst()) {
      throw new DatabaseError(
        'Expected a database without a timesheet, but its tables hold one already: take another one',
      )
    }
    const counts = await insertSources(db, read?.sources ?? generateSources({ ...options, now }))
    console.log(`Source rows: ${[...counts].map(([table, count]) => `${count} ${table}`).join(', ')}`)
    return await run(db, options, now)
  } finally {
    await db.destroy()
  }
}

async function open(database: DemoOptions['database']): Promise<Database> {
  switch (database.kind) {
    case 'mysql':
      return openMysql<Tables>(database.url, INSTANTS)
    case 'postgres':
      return openPostgres<Tables>(database.url, INSTANTS)
    case 'sqlite':
      return openSqlite<Tables>(database.path)
  }
}

async function run(db: Database, { zone, port }: DemoOptions, now: number): Promise<boolean> {
  const to = dateOf(new Date(now), zone)
  const { first } = await db
    .selectFrom('employees')
    .select(({ fn }) => fn.min('entry_date').as('first'))
    .executeTakeFirstOrThrow()
  const back = Math.max(first < to ? countDays(parseIsoDate(first, 'entry_date'), to) : 1, 366)
  const request = { tenantId: TENANT, from: addDays(to, 1 - back), to }
  // Edits without an end of their own reach over all days.
  const timesheet = createTimesheet(db, { zone, logger, clock: clockAt(now), horizon: { back, ahead: 0 } })
  try {
    const begin = performance.now()
    const job = await timesheet.triggerRecalcAllAsync(request)
    const bar = new ProgressBar(process.stdout)
    for await (const event of job.events()) if (event.type === 'progress') bar.show(event)
    const { status, processedDays } = await job.result
    bar.end()
    console.log(`${status}: ${processedDays} days in ${((performance.now() - begin) / 1000).toFixed(1)} s`)
    if (status !== 'completed') return false

    await showEdits({ db, timesheet, tenantId: TENANT, zone, now })
    await showHeld(timesheet, TENANT)
    await showCorrections(timesheet, db, TENANT, request)

    const settled = await takeSnapshot(db)
    await timesheet.triggerRecalcAll(request)
    const afresh = await takeSnapshot(db)
    const tables = ['daily_values', 'daily_errors', 'work_time_averages', 'monthly_values'] as const
    const differing = tables.flatMap((table) => changedKeys(settled, afresh, table))
    const rows = tables.reduce((sum, table) => sum + afresh[table].size, 0)
    console.log(`\nA fresh recalculation of everything: ${differing.length} of ${rows} rows differ.`)
    if (port !== undefined) await serveUntilInterrupted(timesheet, port, { tenantId: TENANT, logger })
    return differing.length === 0
  } finally {
    await timesheet.stop()
  }
}

/** Stands at the demo's moment, so that whatever is calculated again is seen from there. */
function clockAt(now: number): Clock {
  return { ...systemClock, now: () => now }
}

const quiet = () => {}

/** Warnings for people; an application would hand pino over as it is. */
const logger: Logger = {
  debug: quiet,
  info: quiet,
  warn: (_fields, message) => console.warn(`Warning: ${message}`),
  error: (_fields, message) => console.error(`Error: ${message}`),
}

endWithReader()
try {
  const args = process.argv.slice(2)
  if (args.includes('--help')) console.log(USAGE)
  else if (!(await main(readOptions(args)))) process.exitCode = 1
} catch (error) {
  const isExpected = [UsageError, ImportError, DatabaseError, RecalcError].some((kind) => error instanceof kind)
  if (!isExpected) throw error
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : (error as Error).message)
  process.exitCode = 2
}
