import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as recalcService from '../../src/index.ts'
import * as recalcServiceSql from '../../src/sql/index.ts'
import { testDatabase } from '../support/mariadb.ts'
import { postgresDatabase } from '../support/postgres.ts'
import { employeeList } from '../support/service.ts'

interface Tables {
  bookings: { id: number; tenant_id: string; employee_id: string; date: string; minutes: number }
  balances: { tenant_id: string; employee_id: string; date: string; minutes: number }
}

const modules = { 'recalc-service': recalcService, 'recalc-service/sql': recalcServiceSql }

/** The sample of a page that has a stage called balances. */
function sampleOf(page: string): string {
  const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8')
  const samples = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string)
  return samples.find((code) => code.includes("name: 'balances'")) ?? ''
}

const AsyncFunction = (async () => {}).constructor as FunctionConstructor

/** Runs a sample with the host's own things; what it names `recalc` is the service. */
async function run(
  code: string,
  db: Kysely<Tables>,
  print: (line: string) => void,
): Promise<recalcService.RecalcService> {
  const script = stripTypeScriptTypes(code).replaceAll(/import (\{[^}]*\}) from ('[^']+')/g, 'const $1 = modules[$2]')
  const body = `${script.replaceAll(/import\s+type[^\n]*/g, '')}\nreturn recalc`
  const given = {
    modules,
    db,
    employees: employeeList(['ada', 'bob']),
    zoneOfTenant: () => 'Europe/Berlin',
    console: { log: print },
  }
  return await new AsyncFunction(...Object.keys(given), body)(...Object.values(given))
}

const databases = [
  {
    name: process.env.RECALC_TEST_MYSQL_URL ? 'MySQL' : 'MariaDB',
    open: async () => (await testDatabase()).kysely<Tables>({ dateStrings: true }),
  },
  {
    name: 'PostgreSQL',
    open: async () => {
      const types = {
        getTypeParser: (id: number, format?: never) =>
          id === pg.types.builtins.DATE ? String : pg.types.getTypeParser(id, format),
      }
      return (await postgresDatabase()).kysely<Tables>({ types } as pg.PoolConfig)
    },
  },
]

describe.each(databases)('the balances of the documentation on $name', async ({ open }) => {
  const db = await open()
  for (const [table, key] of [
    ['bookings', 'id'],
    ['balances', 'tenant_id, employee_id, date'],
  ]) {
    await sql`create table ${sql.table(table ?? '')} (id integer default 0, tenant_id varchar(20) not null,
      employee_id varchar(20) not null, date date not null, minutes integer not null, primary key (${sql.raw(key ?? '')}))`.execute(
      db,
    )
  }
  await recalcServiceSql.sqlBackend(db).migrate()
  let id = 10
  const book = (employee_id: string, day: number, minutes: number) =>
    db
      .insertInto('bookings')
      .values({ id: id++, tenant_id: 't', employee_id, date: `2026-03-0${day}`, minutes })
      .execute()
  const balancesOf = async (employeeId: string) => {
    const rows = await db
      .selectFrom('balances')
      .select('minutes')
      .where('tenant_id', '=', 't')
      .where('employee_id', '=', employeeId)
      .orderBy('date')
      .execute()
    return rows.map(({ minutes }) => minutes)
  }

  test('come out in README as it prints them', async () => {
    const rows = [
      { id: 1, employee_id: 'ada', date: '2025-03-03', minutes: 480 },
      { id: 2, employee_id: 'ada', date: '2025-03-04', minutes: 450 },
      { id: 3, employee_id: 'bob', date: '2025-03-03', minutes: 510 },
    ]
    await db
      .insertInto('bookings')
      .values(rows.map((row) => ({ ...row, tenant_id: 'acme' })))
      .execute()
    const printed: string[] = []
    await run(sampleOf('README.md'), db, (line) => printed.push(line))
    expect(printed.slice(-2)).toEqual(['job: completed, 62 days', 'balance of 31 March: 1050 minutes'])
  })

  test('are carried from day to day, and over days without a row', async () => {
    const recalc = await run(sampleOf('docs/stages.md'), db, () => {})
    onTestFinished(() => recalc.stop())
    await book('ada', 1, 60)
    await book('ada', 3, 30)
    await book('bob', 2, 10)
    const week = { tenantId: 't', from: '2026-03-01', to: '2026-03-05' }
    expect(await recalc.triggerRecalcAll(week)).toMatchObject({
      status: 'completed',
      processedDays: 10,
      unchangedDays: 0,
    })
    expect(await balancesOf('ada')).toEqual([60, 60, 90, 90, 90])
    expect(await balancesOf('bob')).toEqual([0, 10, 10, 10, 10])
    expect(await recalc.triggerRecalcAll(week)).toMatchObject({ status: 'completed', unchangedDays: 10 })

    await sql`update bookings set minutes = 100 where employee_id = 'ada' and minutes = 60`.execute(db)
    await recalc.triggerRecalcRange({ tenantId: 't', employeeId: 'ada', from: '2026-03-01', to: '2026-03-05' })
    expect(await balancesOf('ada')).toEqual([100, 100, 130, 130, 130])

    await db
      .deleteFrom('balances')
      .where('tenant_id', '=', 't')
      .where('employee_id', '=', 'bob')
      .where('date', 'in', ['2026-03-03', '2026-03-04'])
      .execute()
    await book('bob', 5, 5)
    const job = await recalc.triggerRecalcRangeAsync({
      tenantId: 't',
      employeeId: 'bob',
      from: '2026-03-05',
      to: '2026-03-06',
    })
    expect(await job.result).toMatchObject({ status: 'completed', processedDays: 2 })
    expect(await balancesOf('bob')).toEqual([0, 10, 15, 15])
  })
})
