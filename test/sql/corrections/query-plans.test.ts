import { CompiledQuery, type Kysely, sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Booking } from '../../../src/backend.ts'
import { parseIsoDate } from '../../../src/index.ts'
import { sqlBackend } from '../../../src/sql/index.ts'
import { engines } from '../support/engines.ts'
import { type Statement, spy } from '../support/statement-spy.ts'

const DAY = parseIsoDate('2025-01-10', 'date')
const JANUARY = { tenantId: 't', from: DAY, to: DAY }

describe.each(engines)('on $name', ({ name, open }) => {
  let kysely: Kysely<never>
  const seen: Statement[] = []

  beforeAll(async () => {
    kysely = (await open()).connect()
  })

  test('every statement about corrections finds its rows by the index that is meant for it, and none is one per row', async () => {
    const backend = sqlBackend(kysely)
    await backend.migrate()
    const bookings = Array.from({ length: 4_000 }, (_, i) => bookingOf(i))
    await backend.unitOfWork.run((tx) => backend.corrections!.book(tx, 't', bookings))
    if (name === 'PostgreSQL') await sql`analyze recalc_corrections`.execute(kysely)
    else if (name !== 'SQLite') await sql`analyze table recalc_corrections`.execute(kysely)

    await backend.unitOfWork.run(async (open) => {
      const tx = spy(open, seen)
      await backend.corrections!.bookings(tx, { ...JANUARY, employeeIds: ['e1', 'e2'] })
      await backend.corrections!.takenOver(tx, 't', ['c1', 'c2'])
      const next = [
        { ...bookingOf(5_000), replaces: 'c1' },
        { ...bookingOf(5_001), replaces: 'c2' },
      ]
      await backend.corrections!.book(tx, 't', next)
    })
    const own = seen.filter(({ text }) => text.includes('recalc_corrections'))
    expect(own.map(({ text }) => text.split(' ')[0])).toEqual(['select', 'select', 'update', 'insert'])
    expect(await Promise.all(own.slice(0, 3).map(indexOf))).toEqual(['employee', 'key', 'key'])
  })

  /** The index by which a statement looks for its rows. */
  async function indexOf({ text, parameters }: Statement): Promise<unknown> {
    const explain = name === 'SQLite' ? 'explain query plan' : 'explain'
    const { rows } = await kysely.executeQuery<Record<string, unknown>>(
      CompiledQuery.raw(`${explain} ${text}`, [...parameters]),
    )
    const found = rows.map((row) => String(row.key ?? row.detail ?? row['QUERY PLAN'])).join('\n')
    if (/recalc_corrections_employee/.test(found)) return 'employee'
    return /PRIMARY|_pkey|autoindex/.test(found) ? 'key' : found
  }
})

function bookingOf(i: number): Booking {
  return {
    ...{ employeeId: `e${i % 200}`, stage: 's', date: DAY, through: DAY, correction: `c${i}` },
    ...{ replaces: null, taken: { '': i }, right: 'r', at: 0, actor: null },
  }
}
