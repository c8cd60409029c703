import { CamelCasePlugin, type Kysely, sql } from 'kysely'
import { InvalidRequestError } from 'recalc-service'
import { upsert } from 'recalc-service/sql'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { engines } from './support/engines.ts'

interface Tables {
  balances: { employee_id: string; date: string; minutes: number | null; note: string | null }
}

const KEY = ['employee_id', 'date'] as const

describe.each(engines)('upsert on $name', ({ open }) => {
  let db: Kysely<Tables>
  const sent: string[] = []

  beforeAll(async () => {
    const database = await open()
    db = database.connect<Tables>((statement, send) => {
      if (/^insert/i.test(statement)) sent.push(statement)
      return send()
    })
    await sql`create table balances (employee_id varchar(40) not null, date char(10) not null, minutes int,
      note varchar(2000), primary key (employee_id, date))`.execute(db)
  })
  afterEach(async () => {
    await db.deleteFrom('balances').execute()
    sent.length = 0
  })

  const rows = () => db.selectFrom('balances').selectAll().orderBy('employee_id').orderBy('date').execute()

  test('inserts rows that are not there, updates those that are, and leaves columns that it does not name', async () => {
    await upsert(db, 'balances', KEY, [{ employee_id: 'ada', date: '2025-01-01', minutes: 1, note: 'kept' }])
    await upsert(db, 'balances', KEY, [
      { employee_id: 'ada', date: '2025-01-01', minutes: 2 },
      { employee_id: "o'hara", date: '2025-01-01', minutes: null },
    ])
    expect(await rows()).toEqual([
      { employee_id: 'ada', date: '2025-01-01', minutes: 2, note: 'kept' },
      { employee_id: "o'hara", date: '2025-01-01', minutes: null, note: null },
    ])
  })

  test('leaves a row whose columns are all of the key', async () => {
    await upsert(db, 'balances', KEY, [{ employee_id: 'ada', date: '2025-01-01', minutes: 1 }])
    await upsert(db, 'balances', KEY, [{ employee_id: 'ada', date: '2025-01-01' }])
    expect(await rows()).toMatchObject([{ minutes: 1 }])
  })

  test('sends nothing for no rows', async () => {
    await upsert(db, 'balances', KEY, [])
    expect(sent).toEqual([])
  })

  test('takes more rows and longer texts than one statement may carry', async () => {
    const note = '€'.repeat(600)
    const many = Array.from({ length: 1_200 }, (_, i) => ({
      employee_id: String(i).padStart(5, '0'),
      date: '2025-01-01',
      minutes: i,
      note,
    }))
    await upsert(db, 'balances', KEY, many)
    expect(await rows()).toEqual(many)
    expect(sent.length).toBeGreaterThan(3)
  })

  test('refuses rows with different columns, and rows without the key, before it writes', async () => {
    const whole = { employee_id: 'ada', date: '2025-01-01', minutes: 1, note: null }
    const unequal = upsert(db, 'balances', KEY, [whole, { employee_id: 'bob', date: '2025-01-01', minutes: 1 }])
    await expect(unequal).rejects.toThrow(InvalidRequestError)
    await expect(unequal).rejects.toThrow('Expected every row to have the columns employee_id, date, minutes, note')
    // @ts-expect-error: the column of the key is missing
    const keyless = upsert(db, 'balances', KEY, [{ date: '2025-01-01', minutes: 1 }])
    await expect(keyless).rejects.toThrow('Expected every row to have the columns of the key (employee_id, date)')
    await expect(upsert(db, 'balances', [], [whole])).rejects.toThrow(InvalidRequestError)
    expect(await rows()).toEqual([])
  })

  test('names columns as the host does', async () => {
    interface Camel {
      balances: { employeeId: string; date: string; minutes: number }
    }
    const camel = (db as unknown as Kysely<Camel>).withPlugin(new CamelCasePlugin())
    await upsert(camel, 'balances', ['employeeId', 'date'], [{ employeeId: 'ada', date: '2025-01-01', minutes: 1 }])
    await upsert(camel, 'balances', ['employeeId', 'date'], [{ employeeId: 'ada', date: '2025-01-01', minutes: 2 }])
    expect(await rows()).toMatchObject([{ employee_id: 'ada', minutes: 2 }])
  })
})
