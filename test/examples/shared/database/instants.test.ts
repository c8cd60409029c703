import { type Kysely, sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTables } from '../../../../examples/productivity/schema/migrations.ts'
import { INSTANTS, type Tables } from '../../../../examples/productivity/schema/tables.ts'
import { withInstants } from '../../../../examples/shared/database/instants.ts'
import { postgresTypes } from '../../../../examples/shared/database/postgres.ts'
import { upsert } from '../../../../examples/shared/database/upsert.ts'
import { testDatabase } from '../../../support/mariadb.ts'
import { postgresDatabase } from '../../../support/postgres.ts'

const mariadb = await testDatabase()
const postgres = await postgresDatabase()

/** One connection each, whose session is somewhere else than the machine. */
const engines = [
  {
    name: 'MariaDB',
    kysely: mariadb.kysely<Tables>({ connectionLimit: 1, dateStrings: true }),
    zone: "set time_zone = '+05:30'",
    text: 'date_format(clock_in, "%Y-%m-%d %H:%i:%s.%f")',
    type: 'datetime',
    schema: 'database()',
  },
  {
    name: 'PostgreSQL',
    kysely: postgres.kysely<Tables>({ max: 1, types: postgresTypes }),
    zone: "set time zone 'Asia/Kolkata'",
    text: `to_char(clock_in at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`,
    type: 'timestamp with time zone',
    schema: 'current_schema()',
  },
]

/** The hour that comes twice in autumn in Berlin, the one that is left out in spring, and the ends of a day. */
const instants = [
  '2025-10-26T00:30:00.001Z',
  '2025-10-26T01:30:00.999Z',
  '2025-03-30T01:00:00.000Z',
  '1970-01-01T00:00:00.000Z',
]

describe.each(engines)(
  'instants on $name, in a session of another time zone',
  ({ kysely, zone, text, type, schema }) => {
    async function open(): Promise<Kysely<Tables>> {
      const db = withInstants(kysely, INSTANTS)
      await createTables(db)
      await sql.raw(zone).execute(db)
      onTestFinished(async () => {
        for (const table of ['clock_times', 'employees'] as const) await db.deleteFrom(table).execute()
      })
      await db.insertInto('employees').values({ id: 'a', name: 'A' }).execute()
      return db
    }

    it('are in UTC in a column of the engine\u2019s own type, and come back as they went in, whichever statement wrote them', async () => {
      const db = await open()
      const { rows: types } = await sql<{ type: string }>`select data_type as type from information_schema.columns
      where table_name = 'clock_times' and column_name = 'clock_in' and table_schema = ${sql.raw(schema)}`.execute(db)
      expect(types).toEqual([{ type }])
      for (const [index, written] of instants.entries()) {
        const clock_in = Date.parse(written)
        const row = { id: index + 1, employee_id: 'a', clock_in, clock_out: null, break_minutes: 0 }
        await db
          .insertInto('clock_times')
          .values({ ...row, clock_in: 0 })
          .execute()
        await upsert(db, 'clock_times', ['id'], [row])
        await db.updateTable('clock_times').set({ clock_out: clock_in }).where('clock_in', '=', clock_in).execute()
        expect(await db.selectFrom('clock_times').selectAll().where('id', '=', row.id).execute()).toEqual([
          { ...row, clock_out: clock_in },
        ])
        const stored = await sql<{ text: string }>`select ${sql.raw(text)} as text from clock_times
        where id = ${row.id}`.execute(db)
        expect(stored.rows).toEqual([{ text: `${written.replace('T', ' ').replace('Z', '')}000` }])
      }
    })

    it('are found from the one on and up to the other, to the millisecond', async () => {
      const db = await open()
      const at = Date.parse('2025-10-26T00:30:00.001Z')
      await db
        .insertInto('clock_times')
        .values({ employee_id: 'a', clock_in: at, clock_out: null, break_minutes: 0 })
        .execute()
      const found = async (from: number, below: number) => {
        const rows = db.selectFrom('clock_times').select('clock_in').where('clock_in', '>=', from)
        return (await rows.where('clock_in', '<', below).execute()).length
      }
      expect([await found(at, at + 1), await found(at + 1, at + 9), await found(at - 9, at)]).toEqual([1, 0, 0])
    })
  },
)
