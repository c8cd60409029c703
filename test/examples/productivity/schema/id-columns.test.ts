import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import { createTables } from '../../../../examples/productivity/schema/migrations.ts'
import { INSTANTS, type Tables } from '../../../../examples/productivity/schema/tables.ts'
import { DatabaseError } from '../../../../examples/shared/database/database-error.ts'
import { withInstants } from '../../../../examples/shared/database/instants.ts'
import { openMysql } from '../../../../examples/shared/database/mysql.ts'
import { postgresTypes } from '../../../../examples/shared/database/postgres.ts'
import { testDatabase, withDatabase } from '../../../support/mariadb.ts'
import { postgresDatabase } from '../../../support/postgres.ts'
import { allEngines } from '../stages/all-engines.ts'
import { at, day, people, shift, tenantId, zone } from '../stages/june-17.ts'

const server = await testDatabase()
const postgres = await postgresDatabase()

describe.each(await allEngines())('ids on $name', ({ open }) => {
  it('are one only if they are the same byte by byte, trailing blanks included', async () => {
    const ids = ['a', 'a ', 'A', '\u00e1', 'a\u0301']
    const db = await open({
      employees: people(...ids),
      clockTimes: ids.map((employee, index) => shift(at(8), at(9 + index), { employee })),
    })
    const productivity = createProductivity(db, { zone, asOf: new Date(at(20)) })
    await productivity.triggerRecalcAll({ tenantId, from: day, to: day })
    for (const employeeId of ids) {
      const again = await productivity.triggerRecalc({ tenantId, employeeId, date: day })
      expect([employeeId, again.unchangedDays]).toEqual([employeeId, 1])
    }
    const rows = await db.selectFrom('daily_scores').select(['employee_id', 'clocked_minutes']).execute()
    expect(new Map(rows.map((row) => [row.employee_id, row.clocked_minutes]))).toEqual(
      new Map(ids.map((id, index) => [id, (index + 1) * 60])),
    )
    const statuses = await db.selectFrom('employee_current_status').select('employee_id').execute()
    expect(statuses.map(({ employee_id }) => employee_id).sort()).toEqual(ids.toSorted())
  })
})

describe('createTables', () => {
  async function ownDatabase() {
    const name = `${server.name}_ids`
    const admin = await server.connection()
    onTestFinished(async () => void (await admin.query(`drop database if exists ${name}`)))
    const db = await openMysql<Tables>(withDatabase(server.url, name), INSTANTS)
    onTestFinished(() => db.destroy())
    return db
  }

  it.each([
    ['utf8mb4_bin', 'alerts'],
    ['utf8mb4_general_ci', 'employee_hourly_costs'],
    ['latin1_bin', 'pay_rates'],
  ])('refuses a database whose ids are compared by %s in %s', async (collation, table) => {
    const db = await ownDatabase()
    await createTables(db)
    await createTables(db)
    await sql`set foreign_key_checks = 0`.execute(db)
    const column = sql`varchar(64) character set ${sql.raw(collation.split('_')[0] ?? '')} collate ${sql.raw(collation)}`
    await db.connection().execute(async (connection) => {
      await sql`set foreign_key_checks = 0`.execute(connection)
      await sql`alter table ${sql.table(table)} drop foreign key ${sql.ref(`${table}_employee`)}`.execute(connection)
      await sql`alter table ${sql.table(table)} modify employee_id ${column} not null`.execute(connection)
    })
    const creating = createTables(db)
    await expect(creating).rejects.toThrow(DatabaseError)
    await expect(creating).rejects.toThrow(`but ${table}.employee_id has the collation ${collation}: `)
  })

  it('refuses a PostgreSQL database whose ids are sorted as people of a language expect it', async () => {
    const db = withInstants(postgres.kysely<Tables>({ types: postgresTypes }), INSTANTS)
    await createTables(db)
    await sql`alter table alerts alter column employee_id type varchar(64) collate "default"`.execute(db)
    const creating = createTables(db)
    await expect(creating).rejects.toThrow(DatabaseError)
    await expect(creating).rejects.toThrow('but alerts.employee_id has the collation default: ')
  })
})
