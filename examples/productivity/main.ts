// A productivity back end, recalculated: fills the source tables, runs the job, tells what came out, and runs it again.
import {
  type AllRequest,
  type Clock,
  countDays,
  type IsoDate,
  JobConflictError,
  type JobHandle,
  type Logger,
  RecalcError,
  type RecalcResult,
  type RecalcService,
  systemClock,
  type TriggerOptions,
} from 'recalc-service'
import { ProgressBar } from 'recalc-service/cli'
import { DatabaseError } from '../shared/database/database-error.ts'
import { openMysql } from '../shared/database/mysql.ts'
import { openPostgres } from '../shared/database/postgres.ts'
import { openSqlite } from '../shared/database/sqlite.ts'
import { endWithReader } from '../shared/demo/end-with-reader.ts'
import { commandToResume, resumeJob } from '../shared/demo/resume.ts'
import { serveUntilInterrupted } from '../shared/demo/serve.ts'
import { UsageError } from '../shared/demo/usage-error.ts'
import { ImportError } from '../shared/import/import-error.ts'
import { redisCache } from './database/redis.ts'
import { type DemoOptions, readOptions, USAGE } from './demo/cli-options.ts'
import { editLive } from './demo/live.ts'
import { aboutMadeUpData, rememberMadeUpData } from './demo/made-up-data.ts'
import { showPreview } from './demo/preview.ts'
import {
  bestDays,
  type DateRange,
  describeImport,
  describeResult,
  describeSources,
  describeTotals,
  idleTime,
  whoIsHere,
} from './demo/report.ts'
import { createProductivity, type ProductivityOptions, productivityStages } from './productivity.ts'
import { createTables } from './schema/migrations.ts'
import { type Database, INSTANTS, type Tables, type Tx } from './schema/tables.ts'
import { generateSources } from './sources/generator/generate.ts'
import { importFiles } from './sources/import-files.ts'
import { insertSources } from './sources/insert-sources.ts'

const TENANT = 'demo'

/** How long a job that was killed has to wait until it is resumed. */
const LEASE_MS = 5_000

async function main(asked: DemoOptions): Promise<boolean> {
  const { database, redis } = asked
  const db = await open(database)
  try {
    await createTables(db)
    const isFilled = await db.selectFrom('employees').select('id').limit(1).executeTakeFirst()
    const options = isFilled ? await aboutMadeUpData(db, asked) : asked
    return await withService(db, { ...options, redis }, isFilled !== undefined)
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

async function withService(db: Database, options: DemoOptions, isFilled: boolean): Promise<boolean> {
  const { redis, zone, source } = options
  const asOf = options.asOf ?? (source.kind === 'generator' ? source.until : undefined)
  const cache = redis === undefined ? undefined : redisCache(redis)
  const settings: ProductivityOptions = {
    zone,
    logger,
    leaseMs: LEASE_MS,
    history: options.port !== undefined || options.preview, // for the console, and to compare with
    ...(asOf && { asOf }),
    // Edits without an end of their own reach over the days of the demo.
    ...(options.live && {
      clock: clockAt(options.to),
      horizon: { back: countDays(options.from, options.to), ahead: 0 },
    }),
    ...(cache && { cache }),
  }
  const productivity = createProductivity(db, settings)
  try {
    await productivity.estimate(...requestOf(options)) // refuses what cannot be asked for before anything is filled in
    if (options.resume === undefined) await fill(db, options, isFilled)
    if (options.port === undefined) {
      const isDone = await recalculate(productivity, db, options)
      return isDone && options.preview ? await preview(productivity, db, settings, options) : isDone
    }
    await serveUntilInterrupted(productivity, options.port, { tenantId: TENANT, logger })
    return true
  } finally {
    await productivity.stop()
    await cache?.close()
  }
}

/** Another version of the stages, against what the present one has stored. */
async function preview(
  productivity: RecalcService<Tx>,
  db: Database,
  settings: ProductivityOptions,
  { from, to }: DemoOptions,
): Promise<boolean> {
  const range = { from, to }
  return await showPreview(db, TENANT, range, {
    preview: (roleChange) =>
      productivity.preview({ tenantId: TENANT, ...range }, { stages: productivityStages({ ...settings, roleChange }) }),
    changed: (roleChange) => createProductivity(db, { ...settings, roleChange }),
  })
}

function requestOf({ from, to, tables }: DemoOptions): [AllRequest, TriggerOptions] {
  return [{ tenantId: TENANT, from, to }, tables ? { tables } : {}]
}

async function recalculate(productivity: RecalcService<Tx>, db: Database, options: DemoOptions): Promise<boolean> {
  const { resume } = options
  const start = () => productivity.triggerRecalcAllAsync(...requestOf(options))
  const job = resume === undefined ? await start() : await resumeJob(productivity, resume, LEASE_MS)
  const range = await job.snapshot()
  const isKept = options.database.kind !== 'sqlite' || options.database.path !== undefined
  if (isKept) console.log(`Job: ${job.id}`)
  const first = await follow(job, range)
  if (first.status !== 'completed') {
    if (isKept) console.log(`To go on: ${commandToResume('demo', process.argv.slice(2), job.id)}`)
    return false
  }
  console.log(`\n${await describeTotals(db, range)}`)
  console.log(`\nThe best days:\n${await bestDays(db, range)}`)
  console.log(`\nWhere time was lost:\n${await idleTime(db, range)}`)
  console.log(`\nWho is here:\n${await whoIsHere(db)}`)
  if (resume !== undefined) return true
  if (options.live) return await editLive(productivity, db, requestOf(options)[0])

  console.log('\nOnce more, with nothing changed:')
  const second = await follow(await start(), range)
  const nothingChanged = second.unchangedDays === second.processedDays
  console.log(nothingChanged ? 'Nothing was written.' : 'Expected nothing to be written, but something was.')
  return second.status === 'completed' && nothingChanged
}

/** On the last of the days that are recalculated, whatever the date is. */
function clockAt(date: IsoDate): Clock {
  const offset = Date.parse(`${date}T12:00:00Z`) - Date.now()
  return { ...systemClock, now: () => Date.now() + offset }
}

/** Shows a job's progress until it ends; Ctrl-C cancels it. */
async function follow(job: JobHandle, range: DateRange): Promise<RecalcResult> {
  const before = await job.snapshot()
  const bar = new ProgressBar(process.stdout)
  const cancel = () => void job.cancel('Ctrl-C')
  process.once('SIGINT', cancel)
  for await (const event of job.events({ after: before.lastSeq })) {
    if (event.type === 'progress') bar.show(event)
  }
  const result = await job.result
  process.off('SIGINT', cancel)
  bar.end()
  const { runStartedAt } = await job.snapshot()
  console.log(describeResult(result, range, { startedAt: runStartedAt, processedBefore: before.processedDays }))
  return result
}

async function fill(db: Database, options: DemoOptions, isFilled: boolean): Promise<void> {
  const { source, zone, from, to } = options
  if (source.kind === 'files') {
    const counts = await importFiles(db, source.folder)
    await rememberMadeUpData(db, options) // there is none, or no longer only that
    console.log(describeImport(counts))
    return
  }
  if (isFilled) {
    console.log(`Source rows: those that are there already; recalculating ${from} to ${to}`)
    return
  }
  await rememberMadeUpData(db, options)
  const counts = await insertSources(db, generateSources({ zone, from, ...source }))
  console.log(describeSources(new Map(Object.entries(counts))))
}

const quiet = () => {}

function causeIn(fields: object): string {
  return 'error' in fields && fields.error instanceof Error ? ` (${fields.error.message})` : ''
}

/** Warnings for people; an application would hand pino over as it is. */
const logger: Logger = {
  debug: quiet,
  info: quiet,
  warn: (fields, message) => console.warn(`Warning: ${message}${causeIn(fields)}`),
  error: (fields, message) => console.error(`Error: ${message}${causeIn(fields)}`),
}

endWithReader()
try {
  const args = process.argv.slice(2)
  if (args.includes('--help')) console.log(USAGE)
  else if (!(await main(readOptions(args)))) process.exitCode = 1
} catch (error) {
  console.error(inWords(error))
  process.exitCode = 2
}

/** What is wrong, and what to do about it. @throws whatever nobody expected, as it is. */
function inWords(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${USAGE}`
  if (error instanceof JobConflictError) {
    return `${error.message}\nTo go on with it: ${commandToResume('demo', process.argv.slice(2), error.activeJobId)}`
  }
  const isExpected = error instanceof ImportError || error instanceof DatabaseError || error instanceof RecalcError
  if (!isExpected) throw error
  return error.message
}
