import { addDays, countDays, datesBetween, type IsoDate, parseIsoDate } from 'recalc-service'
import { createProductivity } from '../examples/productivity/productivity.ts'
import { createTables } from '../examples/productivity/schema/migrations.ts'
import type { Database, Tables } from '../examples/productivity/schema/tables.ts'
import { generateSources } from '../examples/productivity/sources/generator/generate.ts'
import { insertSources } from '../examples/productivity/sources/insert-sources.ts'
import { dailyScores } from '../examples/productivity/stages/daily-scores.ts'
import { idlePeriods } from '../examples/productivity/stages/idle-periods.ts'
import { scoredDaysStage } from '../examples/productivity/stages/scored-days.ts'
import { openSqlite } from '../examples/shared/database/sqlite.ts'
import { calculateChunk } from './hand-written.ts'
import { type Contender, printSpeeds, race } from './measure.ts'

const ZONE = 'Europe/Berlin'
const TENANT = 'bench'
const FROM = parseIsoDate('2025-03-03', 'from')
const EMPLOYEES = 200
const DAYS = 62
const TO = addDays(FROM, DAYS - 1)
const BLOCK = { employees: 25, days: 31 }

const TABLES = ['daily_scores', 'idle_periods'] as const

/** The demo's job on SQLite against the same SQL without the library; every round writes every row anew. */
export async function benchReference(): Promise<void> {
  const db = openSqlite<Tables>()
  await createTables(db)
  const sources = generateSources({ zone: ZONE, from: FROM, days: DAYS, employees: EMPLOYEES, seed: 1 })
  await insertSources(db, sources)
  const recalc = createProductivity(db, { zone: ZONE, block: BLOCK })
  const contenders = [
    fromScratch(db, 'recalc-service, a job', async () => {
      const job = await recalc.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: TO }, { tables: TABLES })
      return (await job.result).processedDays
    }),
    fromScratch(db, 'the same SQL in a hand-written chunked loop', () => handWritten(db, BLOCK)),
    fromScratch(db, 'the same SQL per employee-day', () => handWritten(db, { employees: 1, days: 1 })),
  ]
  const measured = await race(contenders, 5)
  const days = (EMPLOYEES * DAYS).toLocaleString('en')
  printSpeeds(`(c) daily_scores and idle_periods on SQLite, ${days} employee-days`, measured)
  await recalc.stop()
  await db.destroy()
}

/** Deleting what the last round wrote is part of every round alike. */
function fromScratch(db: Database, name: string, run: () => Promise<number>): Contender {
  return {
    name,
    async run() {
      for (const table of TABLES) await db.deleteFrom(table).execute()
      return await run()
    },
  }
}

/** What somebody would write who knows the trick: chunks, one transaction each, one read and one write per table. */
async function handWritten(db: Database, chunk: { employees: number; days: number }): Promise<number> {
  const employees = await db.selectFrom('employees').select('id').orderBy('id').execute()
  const ids = employees.map(({ id }) => id)
  const dates = datesBetween(FROM, TO)
  const stages = [scoredDaysStage(() => Date.now()), dailyScores, idlePeriods]
  for (let e = 0; e < ids.length; e += chunk.employees) {
    for (let d = 0; d < dates.length; d += chunk.days) {
      const own = dates.slice(d, d + chunk.days)
      const ends = { from: own[0] as IsoDate, to: own.at(-1) as IsoDate } // a chunk has a date at least
      const block = { tenantId: TENANT, employeeIds: ids.slice(e, e + chunk.employees), dates: own, ...ends }
      await db.transaction().execute((tx) => calculateChunk(stages, block, { tx, zone: ZONE }))
    }
  }
  return ids.length * countDays(FROM, TO)
}
