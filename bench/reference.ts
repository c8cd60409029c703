import type { Block, DayStage, EmployeeDay, StageContext } from 'recalc-service'
import { addDays, countDays, type DayKey, datesBetween, dayKey, type IsoDate, parseIsoDate } from 'recalc-service'
import { generateSources } from '../examples/productivity/generator/generate.ts'
import { insertSources } from '../examples/productivity/insert-sources.ts'
import { createProductivity } from '../examples/productivity/productivity.ts'
import { createTables } from '../examples/productivity/schema.ts'
import { openSqlite } from '../examples/productivity/sqlite.ts'
import { dailyScores } from '../examples/productivity/stages/daily-scores.ts'
import { idlePeriods } from '../examples/productivity/stages/idle-periods.ts'
import type { Database, Tables, Tx } from '../examples/productivity/tables.ts'
import { type Contender, printSpeeds, race } from './measure.ts'

const ZONE = 'Europe/Berlin'
const TENANT = 'bench'
const FROM = parseIsoDate('2025-03-03', 'from')
const EMPLOYEES = 200
const DAYS = 62
const TO = addDays(FROM, DAYS - 1)
const BLOCK = { employees: 25, days: 31 }

/** The demo's job on SQLite against the same SQL without the library; every round writes every row anew. */
export async function benchReference(): Promise<void> {
  const db = openSqlite<Tables>()
  await createTables(db)
  const sources = generateSources({ zone: ZONE, from: FROM, days: DAYS, employees: EMPLOYEES, seed: 1 })
  await insertSources(db, sources)
  const recalc = createProductivity(db, { zone: ZONE, block: BLOCK })
  const contenders = [
    fromScratch(db, 'recalc-service, a job', async () => {
      const job = await recalc.triggerRecalcAllAsync({ tenantId: TENANT, from: FROM, to: TO })
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
      await db.deleteFrom('daily_scores').execute()
      await db.deleteFrom('idle_periods').execute()
      return await run()
    },
  }
}

/** What somebody would write who knows the trick: chunks, one transaction each, one read and one write per table. */
async function handWritten(db: Database, chunk: { employees: number; days: number }): Promise<number> {
  const employees = await db.selectFrom('employees').select('id').orderBy('id').execute()
  const ids = employees.map(({ id }) => id)
  const dates = datesBetween(FROM, TO)
  for (let e = 0; e < ids.length; e += chunk.employees) {
    for (let d = 0; d < dates.length; d += chunk.days) {
      await saveChunk(db, ids.slice(e, e + chunk.employees), dates.slice(d, d + chunk.days))
    }
  }
  return ids.length * countDays(FROM, TO)
}

async function saveChunk(db: Database, employeeIds: readonly string[], dates: readonly IsoDate[]): Promise<void> {
  const block = { tenantId: TENANT, employeeIds, dates, from: dates[0] as IsoDate, to: dates.at(-1) as IsoDate }
  await db.transaction().execute(async (tx) => {
    const scored = await saveStage(dailyScores, block, context(tx, new Map()))
    await saveStage(idlePeriods, block, context(tx, scored))
  })
}

async function saveStage(stage: DayStage<Tx>, block: Block, own: StageContext<Tx>): Promise<Map<DayKey, unknown>> {
  const inputs = await stage.load(block, own)
  const stored = await stage.stored?.(block, own)
  const values = new Map<DayKey, unknown>()
  const upserts: { day: EmployeeDay; value: unknown }[] = []
  for (const employeeId of block.employeeIds) {
    for (const date of block.dates) {
      const day = { tenantId: block.tenantId, employeeId, date }
      const value = stage.calculate(day, inputs, null)
      const key = dayKey(day)
      values.set(key, value)
      if (value !== null && !stored?.has(key)) upserts.push({ day, value })
    }
  }
  await stage.save({ upserts, deletes: [] }, own)
  return values
}

function context(tx: Tx, values: ReadonlyMap<DayKey, unknown>): StageContext<Tx> {
  const silent = () => {}
  return {
    tx,
    zone: ZONE,
    signal: new AbortController().signal,
    attempt: 1,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    now: () => new Date(),
    // The one stage that asks gets the values of the one before it.
    valuesOf: <Value>() => values as ReadonlyMap<DayKey, Value | null>,
  }
}
