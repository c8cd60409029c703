import { type Kysely, sql } from 'kysely'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type CaptureSources,
  checkCapture,
  installCapture,
  sqlBackend,
  uninstallCapture,
} from '../../../src/sql/index.ts'
import { embeddedPostgresDatabase, engines } from '../support/engines.ts'
import { createHostTables, flavourOf, type HostTables, instant, takeNotes } from './support/captured-host.ts'

const sources = {
  bookings: { tenant: 'tenant_id', employee: 'employee_id', instants: ['come', 'go'], columns: ['note'] },
  absences: { tenant: 'tenant_id', employee: 'employee_id', dates: ['from_date', 'to_date'] },
  rules: { tenant: { always: 'acme' }, everybody: true, from: 'valid_from' },
} satisfies CaptureSources

const NONE = { missing: [], different: [], leftOver: [] }

describe.each([...engines, { name: 'PGlite', open: async () => embeddedPostgresDatabase() }])('$name', (engine) => {
  let db: Kysely<HostTables>
  let at: (iso: string) => unknown

  beforeAll(async () => {
    db = (await engine.open()).connect<HostTables>()
    at = (iso) => instant(db as never, iso)
    await createHostTables(db)
    await sqlBackend(db).migrate()
  })

  beforeEach(async () => {
    for (const table of ['bookings', 'absences', 'rules'] as const) await db.deleteFrom(table).execute()
    await installCapture(db, sources)
    await db.deleteFrom('recalc_changes').execute()
  })

  const booking = (values: Partial<HostTables['bookings']> = {}) => ({
    id: 1,
    tenant_id: 'acme',
    employee_id: 'ann',
    come: at('2025-03-28T08:00:00.250Z'),
    go: at('2025-03-28T16:00:00Z'),
    note: null,
    ...values,
  })
  const book = (values: Partial<HostTables['bookings']> = {}) =>
    db.insertInto('bookings').values(booking(values)).execute()
  const update = (values: Partial<HostTables['bookings']>) => db.updateTable('bookings').set(values).execute()
  const noteOf = (employeeId: string | null, ...spans: readonly (string | null)[][]) => ({
    employeeId,
    table: 'bookings',
    spans,
  })
  /** Old and new versions are one note or two. */
  const spansOf = (notes: readonly unknown[]) =>
    (notes as ReturnType<typeof noteOf>[])
      .flatMap(({ employeeId, spans }) => spans.map((span) => `${employeeId} ${span.join(' ')}`))
      .sort()

  test('an insert, an update and a delete note where the row was and is', async () => {
    await book()
    const first = ['2025-03-28T08:00:00.250Z', '2025-03-28T16:00:00.000Z']
    expect(await takeNotes(db)).toEqual([noteOf('ann', first)])
    await update({ go: at('2025-03-30T02:00:00Z') })
    const second = ['2025-03-28T08:00:00.250Z', '2025-03-30T02:00:00.000Z']
    expect(spansOf(await takeNotes(db))).toEqual([`ann ${first.join(' ')}`, `ann ${second.join(' ')}`])
    await db.deleteFrom('bookings').execute()
    expect(await takeNotes(db)).toEqual([noteOf('ann', second)])
  })

  test('a row that changes its employee is noted for both', async () => {
    await book()
    await takeNotes(db)
    await update({ employee_id: 'bob' })
    const span = '2025-03-28T08:00:00.250Z 2025-03-28T16:00:00.000Z'
    expect(spansOf(await takeNotes(db))).toEqual([`ann ${span}`, `bob ${span}`])
  })

  test('an update that changes nothing, or only a column that was not named, is not noted', async () => {
    await book({ note: 'a' })
    await takeNotes(db)
    await update({ note: 'a', come: at('2025-03-28T08:00:00.250Z') })
    await update({ id: 2 })
    expect(await takeNotes(db)).toEqual([])
  })

  test.each([
    ['case', 'A'],
    ['a blank at the end', 'a '],
    ['NULL', null],
  ])('a change to %s counts', async (_, note) => {
    await book({ note: 'a' })
    await takeNotes(db)
    await update({ note })
    expect((await takeNotes(db)).length).toBeGreaterThan(0)
    await update({ note: 'a' })
    expect((await takeNotes(db)).length).toBeGreaterThan(0)
  })

  test('an open booking lies on the day of what is known of it, and one without any instant on no day', async () => {
    await book({ go: null })
    expect(await takeNotes(db)).toEqual([noteOf('ann', ['2025-03-28T08:00:00.250Z', '2025-03-28T08:00:00.250Z'])])
    await update({ come: null })
    expect(spansOf(await takeNotes(db))).toEqual(['ann 2025-03-28T08:00:00.250Z 2025-03-28T08:00:00.250Z'])
    await update({ note: 'x' })
    expect(await takeNotes(db)).toEqual([])
  })

  test('dates are noted as they are, an end that is NULL or of the year 9999 without end', async () => {
    const absence = { id: 1, tenant_id: 'acme', employee_id: 'ann', from_date: '2025-02-28', to_date: null }
    await db.insertInto('absences').values(absence).execute()
    expect(await takeNotes(db)).toEqual([{ employeeId: 'ann', table: 'absences', spans: [['2025-02-28', null]] }])
    await db.updateTable('absences').set({ to_date: '2025-03-01' }).execute()
    await takeNotes(db)
    await db.updateTable('absences').set({ from_date: '2025-03-01', to_date: '9999-12-31' }).execute()
    const notes = (await takeNotes(db)) as { readonly spans: readonly unknown[] }[]
    expect(notes.flatMap(({ spans }) => spans).sort()).toEqual([
      ['2025-02-28', '2025-03-01'],
      ['2025-03-01', null],
    ])
  })

  test('rows of everybody are everybody’s, from their date on', async () => {
    await db.insertInto('rules').values({ id: 1, valid_from: '2025-03-01', factor: 2 }).execute()
    expect(await takeNotes(db)).toEqual([{ employeeId: null, table: 'rules', spans: [['2025-03-01', null]] }])
  })

  test('a row without an employee is everybody’s unless it is to be nobody’s, and one without a tenant is nobody’s', async () => {
    await book({ employee_id: null })
    await book({ id: 2, employee_id: '' })
    await book({ id: 3, tenant_id: null })
    expect(new Set(((await takeNotes(db)) as { employeeId: unknown }[]).map(({ employeeId }) => employeeId))).toEqual(
      new Set([null]),
    )
    await installCapture(db, { ...sources, bookings: { ...sources.bookings, withoutEmployee: 'nobody' } })
    await update({ note: 'x' })
    expect(await takeNotes(db)).toEqual([])
  })

  test('ids in any script, with quotes and blanks, are those that a service asks for', async () => {
    const employee = `Łu"'\\ 😀 `
    const tenant = 'ÄĆ`"\' '
    await book({ tenant_id: tenant, employee_id: employee })
    const { changes, unitOfWork } = sqlBackend(db)
    const read = await unitOfWork.run((tx) =>
      changes.read(tx, tenant, { employeeIds: [employee], states: ['waiting'], limit: 9 }),
    )
    expect(read).toMatchObject([{ tenantId: tenant, employeeId: employee, state: 'waiting', dueAt: 0, attempts: 0 }])
    expect(Math.abs((read[0]?.notedAt ?? 0) - Date.now())).toBeLessThan(60_000)
    expect(await changes.nextTenant(null)).toMatchObject({ tenantId: tenant })
  })

  test('what is rolled back is not noted', async () => {
    const edited = db.transaction().execute(async (tx) => {
      await tx.insertInto('bookings').values(booking()).execute()
      throw new Error('no')
    })
    await expect(edited).rejects.toThrow('no')
    expect(await takeNotes(db)).toEqual([])
  })

  test('a row that replaces another by its key is noted where either is', async () => {
    await book({ come: at('2025-01-05T08:00:00Z'), go: null })
    await takeNotes(db)
    const values = booking({ employee_id: 'bob', go: null })
    if (flavourOf(db as never) === 'postgres') {
      const { id, ...set } = values
      await db
        .insertInto('bookings')
        .values(values)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(set))
        .execute()
    } else await db.replaceInto('bookings').values(values).execute()
    expect(spansOf(await takeNotes(db))).toEqual([
      'ann 2025-01-05T08:00:00.000Z 2025-01-05T08:00:00.000Z',
      'bob 2025-03-28T08:00:00.250Z 2025-03-28T08:00:00.250Z',
    ])
  })

  test('installed again it changes nothing; with another source it replaces what is different', async () => {
    expect(await checkCapture(db, sources)).toEqual(NONE)
    await installCapture(db, sources)
    expect(await checkCapture(db, sources)).toEqual(NONE)
    const { rules, ...fewer } = sources
    const other = { ...fewer, bookings: { ...sources.bookings, columns: ['note', 'id'] } }
    const drift = await checkCapture(db, other)
    expect(drift.missing.every(({ table }) => table === 'bookings')).toBe(true)
    expect(drift.missing.length).toBeGreaterThan(0)
    expect(new Set(drift.leftOver.map(({ table }) => table))).toEqual(new Set(['bookings', 'rules']))
    await installCapture(db, other)
    expect(await checkCapture(db, other)).toEqual(NONE)
    await book()
    await takeNotes(db)
    await update({ id: 2 })
    expect((await takeNotes(db)).length).toBeGreaterThan(0)
    await uninstallCapture(db)
    await update({ note: 'y' })
    expect(await takeNotes(db)).toEqual([])
    expect((await checkCapture(db, other)).missing.length).toBeGreaterThan(0)
  })

  test('a table with a hostile and very long name is captured as any other', async () => {
    const name = `order "b\` $1 ? 'ä ${'x'.repeat(35)}`
    const table = sql.raw(
      flavourOf(db as never) === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`,
    )
    const column = sql.raw(flavourOf(db as never) === 'mysql' ? '`select`' : '"select"')
    await sql`create table ${table} (id integer not null primary key, ${column} varchar(40))`.execute(db)
    const hostile = { [name]: { tenant: { always: 'acme' }, employee: 'select' } } satisfies CaptureSources
    await installCapture(db, hostile)
    expect(await checkCapture(db, hostile)).toEqual(NONE)
    await sql`insert into ${table} values (1, 'ann')`.execute(db)
    expect(await takeNotes(db)).toEqual([{ employeeId: 'ann', table: name, spans: [[null, null]] }])
    await sql`drop table ${table}`.execute(db)
  })

  test.each<[string, CaptureSources, string]>([
    ['a table that is not there', { nothing: { tenant: 'a', everybody: true } }, 'to be a table of the database'],
    [
      'a column that is not there',
      { bookings: { tenant: 'nope', everybody: true } },
      'columns of "bookings" (id, tenant_id',
    ],
    ['neither an employee nor everybody', { bookings: { tenant: 'tenant_id' } }, '`sources.bookings.employee`'],
    ['instants and dates', { bookings: { ...sources.bookings, dates: ['go'] } as never }, '`sources.bookings.dates`'],
    [
      'a misspelled member',
      { bookings: { ...sources.bookings, colums: ['go'] } as never },
      '`sources.bookings.colums`',
    ],
    ['a table that no stage reads', { absences: sources.absences }, 'tables that a stage reads ("bookings", "rules")'],
  ])('%s is refused before anything is made', async (_, wrong, message) => {
    await uninstallCapture(db)
    const both = { rules: sources.rules, ...wrong }
    const stages = [{ reads: { bookings: [0, 0] } }, { reads: ['rules'] }]
    const options = 'absences' in wrong ? { stages } : {}
    await expect(installCapture(db, both, options)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(message),
    })
    expect(await checkCapture(db, {})).toEqual(NONE)
  })

  test('without the library’s tables it is refused', async () => {
    await expect(installCapture(db, sources, { prefix: 'other_' })).rejects.toMatchObject({
      code: 'CAPTURE',
      message: expect.stringContaining('run its migrations first'),
    })
  })
})
