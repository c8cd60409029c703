// A productivity back end, recalculated: fills the source tables, runs the job, tells what came out, and runs it again.
import { type DemoOptions, readOptions, USAGE, UsageError } from './cli-options.ts'
import { ImportError } from './csv.ts'
import { generateSources } from './generator/generate.ts'
import { importFiles } from './import-files.ts'
import { insertSources } from './insert-sources.ts'
import { createProductivity } from './productivity.ts'
import { ProgressBar } from './progress-bar.ts'
import { bestDays, describeResult, describeTotals, idleTime } from './report.ts'
import { createTables } from './schema.ts'
import { openSqlite } from './sqlite.ts'
import type { Database, Tables } from './tables.ts'

async function main(options: DemoOptions): Promise<boolean> {
  const db = openSqlite<Tables>()
  const productivity = createProductivity(db, { zone: options.zone })
  try {
    await createTables(db)
    await fill(db, options)

    const first = await recalculate(productivity, options)
    console.log(`\n${await describeTotals(db, options)}`)
    console.log(`\nThe best days:\n${await bestDays(db, options)}`)
    console.log(`\nWhere time was lost:\n${await idleTime(db, options)}`)
    if (first.status !== 'completed') return false

    console.log('\nOnce more, with nothing changed:')
    const second = await recalculate(productivity, options)
    const nothingChanged = second.unchangedDays === second.processedDays
    console.log(nothingChanged ? 'Nothing was written.' : 'Expected nothing to be written, but something was.')
    return second.status === 'completed' && nothingChanged
  } finally {
    await productivity.stop()
    await db.destroy()
  }
}

async function fill(db: Database, { source, zone, from }: DemoOptions): Promise<void> {
  const counts =
    source.kind === 'files'
      ? await importFiles(db, source.folder)
      : await insertSources(db, generateSources({ zone, from, ...source }))
  const rows = Object.entries(counts).map(([table, count]) => `${count.toLocaleString('en')} ${table}`)
  console.log(`Source rows: ${rows.join(', ')}`)
}

async function recalculate(productivity: ReturnType<typeof createProductivity>, { from, to }: DemoOptions) {
  const job = await productivity.triggerRecalcAllAsync({ tenantId: 'demo', from, to })
  const bar = new ProgressBar(process.stdout)
  job.on('progress', (event) => bar.show(event))
  const result = await job.result
  bar.end()
  console.log(describeResult(result))
  return result
}

try {
  const isFine = await main(readOptions(process.argv.slice(2)))
  if (!isFine) process.exitCode = 1
} catch (error) {
  if (!(error instanceof UsageError || error instanceof ImportError)) throw error
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error.message)
  process.exitCode = 2
}
