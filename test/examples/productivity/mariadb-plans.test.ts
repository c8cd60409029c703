import { sql } from 'kysely'
import { addDays, dayBounds, type IsoDate } from 'recalc-service'
import { beforeAll, describe, expect, it } from 'vitest'
import { bestDays, describeTotals, idleTime, whoIsHere } from '../../../examples/productivity/demo/report.ts'
import { createProductivity } from '../../../examples/productivity/productivity.ts'
import {
  analyze,
  copyDerivedRows,
  EVERYBODY,
  FIRST_DAY,
  FORMER_IDS,
  fillMillionLogs,
  insertRowsOfFormer,
  MODEL_IDS,
  NOW,
  TODAY,
  ZONE,
} from './mariadb-support/million-logs.ts'
import { ownDatabase } from './mariadb-support/own-database.ts'
import { costOf, isMariadb, planOf, secondaryIndexes, without } from './mariadb-support/plan.ts'
import { type Cost, StatementWatch, type WatchedStatement } from './mariadb-support/watched-statements.ts'

const tenantId = 't'
const month = { from: '2025-04-20' as IsoDate, to: TODAY }
const DAY_TABLES = ['daily_scores', 'idle_periods', 'alerts', 'employee_hourly_costs']
const twoDays = { from: addDays(TODAY, -1), to: TODAY }

const database = await ownDatabase()
const db = database.connect()
const watch = new StatementWatch()
const watched = database.connect(watch)
const cache = { replace: async () => {}, close: async () => {} }
const productivity = createProductivity(watched, { zone: ZONE, asOf: NOW, cache, block: { employees: 25, days: 31 } })

/** What the example sends to its own tables; test/sql/query-plans.test.ts looks after the library's. */
let statements: readonly WatchedStatement[] = []

beforeAll(async () => {
  await fillMillionLogs(db)
  await insertRowsOfFormer(db)
  await analyze(db)
  // Everything is written for the first time,
  const models = { tenantId, employeeIds: MODEL_IDS, from: FIRST_DAY, to: TODAY }
  expect((await (await productivity.triggerRecalcBatchAsync(models)).result).status).toBe('completed')
  await copyDerivedRows(db)
  await analyze(db)
  // then a little of it anew, or not any more,
  await changeSources()
  const { status, processedDays, unchangedDays } = await productivity.triggerRecalcAll({ tenantId, ...month })
  expect({ status, processedDays }).toEqual({ status: 'completed', processedDays: 500 * 31 })
  expect(processedDays - unchangedDays).toBeGreaterThanOrEqual(20 + 4 + 4 * 31)
  expect(processedDays - unchangedDays).toBeLessThan(200)
  // and it is looked at.
  await describeTotals(watched, twoDays)
  await bestDays(watched, twoDays)
  await idleTime(watched, twoDays)
  await whoIsHere(watched)
  statements = watch.statements().filter(({ shape }) => /^(?!.*`recalc_).*`/.test(shape))
  await insertRowsOfFormer(db)
  await analyze(db)
})

/** Twenty people have not clocked out today, four left no gap in a morning, and the bookings of four are gone. */
async function changeSources(): Promise<void> {
  await db
    .updateTable('clock_times')
    .set({ clock_out: null })
    .where('clock_in', '>', NOW.getTime() - 12 * 60 * 60_000)
    .where('employee_id', '<', 'E0020')
    .execute()
  const yesterday = dayBounds(addDays(TODAY, -1), ZONE)
  await db
    .updateTable('activity_logs')
    .set({ window_end: sql<number>`timestampadd(minute, 12, window_start)` })
    .where('window_start', '>=', yesterday.start.getTime())
    .where('window_start', '<', yesterday.start.getTime() + 10 * 60 * 60_000)
    .where('employee_id', 'in', ['E0030', 'E0031', 'E0033', 'E0034'])
    .execute()
  for (const table of ['clock_times', 'activity_logs'] as const) {
    await db.deleteFrom(table).where('employee_id', '>=', 'E0100').where('employee_id', '<', 'E0104').execute()
  }
}

/** Statements that look at more than they give, and at how many rows at most. */
const tellingOfMany: readonly { readonly what: RegExp; readonly most: number }[] = [
  // The report is about everything in two days, and looks up names.
  { what: /from `(daily_scores|employee_hourly_costs)` .*where `\w+` >= \? and `\w+` <= \?/, most: 2 * 500 * 2 },
  { what: /from `(idle_periods|alerts)` .*where `work_date` >= \? and `work_date` <= \?/, most: 3 * 500 * 2 * 14 },
  // Rule 9 adds up thirty days of a page; each log is looked at in the index, and its sum in a temporary table.
  { what: /sum\(`items_count`\)/, most: 2 * 500 * 30 * 40 + 10_000 },
  // Who has a shift in the month: one a day each.
  { what: /^select distinct `employee_id` from `clock_times`/, most: 500 * 32 },
  // One row per employee: of a page, or of everybody with their names.
  { what: /(from|join) `(employees|employee_primary_roles|employee_current_status)`/, most: 2 * EVERYBODY },
]

/** Whether it looked at, sorted or put aside more rows than what it is about. */
function isHeavy({ shape, query }: WatchedStatement, { read, sorted, temporary, given }: Cost): boolean {
  const most = tellingOfMany.find(({ what }) => what.test(shape))?.most ?? 1.1 * given + query.parameters.length + 30
  return read > most || sorted > Math.max(given, 500 * 2) || temporary > 500 * 6
}

/** Statements that may read a table or an index from end to end. */
const readingAll: readonly RegExp[] = [
  // Half a dozen rows.
  /^select \* from `role_configs`$/,
  // The cache and the report: one row per employee, and all of them are asked for.
  /^select [^?]* from `employee_(primary_roles|current_status)`[^?]*$/,
  // Nothing is looked for: the key of a new row leads to its place.
  /^insert into `\w+` \([^)]*\) values (\(\?\)|\?) on duplicate key update /,
]

/** Statements that may sort: what they give, or what the report is about. */
const sorting: readonly RegExp[] = [
  /sum\(`items_count`\) .* group by `employee_id`, `role_id`$/,
  / group by `employee_id`, `name` order by /,
  / group by `status` order by `status` desc$/,
  / order by `points_earned` desc, .* limit \?$/,
]

describe(`with a million activity logs, ${EVERYBODY} people and two hundred thousand idle periods`, () => {
  it('every statement is among those that were watched', () => {
    const written = ['daily_scores', 'idle_periods', 'alerts', 'employee_hourly_costs', 'employee_primary_roles']
    for (const table of [...written, 'employee_current_status']) {
      expect(statements.some(({ shape }) => shape.startsWith(`insert into \`${table}\``))).toBe(true)
      expect(statements.some(({ shape }) => shape.startsWith(`delete from \`${table}\``))).toBe(true)
    }
    const alertsGone = / from `alerts` where .*`event_at` = \?/
    expect(statements.some(({ shape }) => alertsGone.test(shape))).toBe(true)
    expect(statements.length).toBeGreaterThan(40)
  })

  it('no statement is planned without an index, and few sort', async () => {
    const found: unknown[] = []
    for (const { shape, query } of statements) {
      for (const { table, type, key, Extra } of await planOf(db, query)) {
        const isScan = (type === 'ALL' || type === 'index' || key === null) && !table?.startsWith('<')
        if (isScan && !readingAll.some((one) => one.test(shape))) found.push({ shape, table, type, key })
        const isSort = /filesort|temporary/.test(Extra ?? '')
        if (isSort && !sorting.some((one) => one.test(shape))) found.push({ shape, table, Extra })
      }
    }
    expect(found).toEqual([])
  })

  it('no statement looked at, sorted or put aside more than the block, page or days it is about', () => {
    expect(statements.filter((statement) => isHeavy(statement, statement.cost))).toEqual([])
  })

  it('no statement calculates with a column, let alone with time zones, which the server does not know', async () => {
    const called = statements.flatMap(({ shape }) => [...shape.matchAll(/(\w+) ?\(/g)].map(([, word]) => word))
    expect([...new Set(called)].sort()).toEqual(['count', 'in', 'max', 'or', 'sum', 'values', 'where'])
    for (const { shape } of statements) expect(shape).not.toMatch(/where .*(sum|max|count|convert_tz|date) ?\(/i)
    const { rows } = await sql<{
      there: unknown
    }>`select convert_tz('2025-01-01', 'Europe/Berlin', 'UTC') as there`.execute(db)
    expect(rows).toEqual([{ there: null }])
  })

  it('without any of its indexes something would be heavy, but for two', async () => {
    const idle: string[] = []
    for (const index of await secondaryIndexes(db)) {
      const about = statements.filter(
        ({ shape }) => /^(select|delete)/.test(shape) && shape.includes(`\`${index.table}\``),
      )
      let heavy = 0
      await without(db, index, async () => {
        for (const statement of about) {
          if (heavy === 0 && isHeavy(statement, await costOf(db, statement.query))) heavy += 1
        }
      })
      if (heavy === 0) idle.push(index.name)
    }
    // The one is there for whoever asks what everybody does at a time, the other because a foreign key of InnoDB needs it.
    const spare = ['activity_logs_by_time', 'activity_logs_role']
    // MySQL, unlike MariaDB, can skip from one employee to the next in the primary key.
    const skips = !(await isMariadb(db))
    expect(idle.filter((name) => !spare.includes(name) && !(skips && name === 'alerts_by_date'))).toEqual([])
    expect(idle).toEqual(expect.arrayContaining(spare))
  })
})

describe('the number of statements', () => {
  const block = (employees: number, days: number) => ({
    tenantId,
    employeeIds: MODEL_IDS.slice(0, employees),
    from: month.from,
    to: addDays(month.from, days - 1),
  })
  const sentFor = async (request: ReturnType<typeof block>, tables?: readonly string[]) => {
    watch.sentSince()
    await productivity.triggerRecalcBatch(request, tables ? { tables } : {})
    return watch.sentSince()
  }

  it('is the same for a block of 25 × 31 as for one of 5 × 7', async () => {
    const small = await sentFor(block(5, 7), DAY_TABLES)
    expect(await sentFor(block(25, 31), DAY_TABLES)).toEqual(small)
    const own = small.filter((shape) => /^(?!.*`recalc_).*`/.test(shape))
    // Roles, shifts, activities, pay rates, and what is there in each of four tables.
    expect(own.length).toBe(8)
  })

  it('grows by one per 500 rows that are written, and by nothing else', async () => {
    const written = async (employees: number, days: number) => {
      const request = block(employees, days)
      for (const table of ['daily_scores', 'idle_periods'] as const) {
        await db.deleteFrom(table).where('employee_id', 'in', request.employeeIds).execute()
      }
      const sent = await sentFor(request, ['daily_scores', 'idle_periods'])
      const rowsOf = async (table: 'daily_scores' | 'idle_periods') => {
        const own = db.selectFrom(table).where('employee_id', 'in', request.employeeIds)
        const { rows } = await own.select(({ fn }) => fn.countAll().as('rows')).executeTakeFirstOrThrow()
        return Number(rows)
      }
      const inserts = sent.filter((shape) => /^insert into `(daily_scores|idle_periods)`/.test(shape)).length
      const batches = Math.ceil((await rowsOf('daily_scores')) / 500) + Math.ceil((await rowsOf('idle_periods')) / 500)
      return { inserts, batches, others: sent.length - inserts }
    }
    const [small, big] = [await written(5, 7), await written(25, 31)]
    expect(small).toEqual({ ...small, inserts: small.batches })
    expect(big).toEqual({ inserts: big.batches, batches: big.batches, others: small.others })
    expect(big.batches).toBeGreaterThan(5 * small.batches)
  })

  it('of the tenant stages is the same for every page of 500', async () => {
    const pages = async (count: number) => {
      const employeeIds = FORMER_IDS.slice(0, 500 * count)
      const request = { tenantId, employeeIds, from: TODAY, to: TODAY }
      return (await sentFor(request, ['employee_primary_roles', 'employee_current_status'])).length
    }
    await pages(3)
    const [one, two, three] = [await pages(1), await pages(2), await pages(3)]
    expect({ perPage: two - one, perPageAfter: three - two }).toEqual({ perPage: 6, perPageAfter: 6 })
  })
})
