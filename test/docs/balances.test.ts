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
  bookings: { tenant_id: string; employee_id: string; date: string; minutes: number }
  balances: { tenant_id: string; employee_id: string; date: string; minutes: number }
}

const modules = { 'recalc-service': recalcService, 'recalc-service/sql': recalcServiceSql }

/** The README's stage that carries a balance, with the service around it. */
const sample = [
  ...readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm),
]
  .map((match) => match[1] as string)
  .find((code) => code.includes("name: 'balances'"))

/** What the README says in a comment about PostgreSQL, done. */
function forPostgres(code: string): string {
  const upsert = `insertInto('balances').values(rows)
    .onConflict((key) => key.columns(['tenant_id', 'employee_id', 'date']).doUpdateSet((eb) => ({ minutes: eb.ref('excluded.minutes') })))`
  return code.replace("replaceInto('balances').values(rows)", upsert)
}

/** Runs a sample with the host's own things; what it names `recalc` is the service. */
function serviceOf(code: string, db: Kysely<Tables>): recalcService.RecalcService {
  const script = stripTypeScriptTypes(code).replaceAll(/import (\{[^}]*\}) from ('[^']+')/g, 'const $1 = modules[$2]')
  const body = `${script.replaceAll(/import\s+type[^\n]*/g, '')}\nreturn recalc`
  const employees = employeeList(['ada', 'bob'])
  return new Function('modules', 'db', 'employees', 'zoneOfTenant', body)(modules, db, employees, () => 'Europe/Berlin')
}

const databases = [
  {
    name: process.env.RECALC_TEST_MYSQL_URL ? 'MySQL' : 'MariaDB',
    open: async () => (await testDatabase()).kysely<Tables>({ dateStrings: true }),
    code: sample ?? '',
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
    code: forPostgres(sample ?? ''),
  },
]

describe.each(databases)('the README’s balances on $name', async ({ open, code }) => {
  const db = await open()
  for (const table of ['bookings', 'balances'] as const) {
    await sql`create table ${sql.table(table)} (tenant_id varchar(20) not null, employee_id varchar(20) not null, date date not null,
      minutes integer not null, primary key (tenant_id, employee_id, date))`.execute(db)
  }
  const book = (employee_id: string, day: number, minutes: number) =>
    db
      .insertInto('bookings')
      .values({ tenant_id: 't', employee_id, date: `2026-03-0${day}`, minutes })
      .execute()
  const balancesOf = async (employeeId: string) => {
    const rows = await db
      .selectFrom('balances')
      .select('minutes')
      .where('employee_id', '=', employeeId)
      .orderBy('date')
      .execute()
    return rows.map(({ minutes }) => minutes)
  }

  test('are carried from day to day, and over days without a row', async () => {
    const recalc = serviceOf(code, db)
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
