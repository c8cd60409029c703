import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import { openSqlite } from '../../../../examples/shared/database/sqlite.ts'
import { date, id, integer, oneOf, optional, text } from '../../../../examples/shared/import/columns.ts'
import { importFolder } from '../../../../examples/shared/import/import-folder.ts'
import type { SourceFile } from '../../../../examples/shared/import/source-file.ts'

/** Nothing of any back end: plans, and who works by which. */
const described: readonly SourceFile[] = [
  { table: 'plans', name: 'plans', key: ['code'], columns: { code: text(8), minutes: integer(0, 1440) } },
  {
    table: 'assignments',
    name: 'assignments',
    key: ['person', 'valid_from'],
    columns: { person: id, valid_from: date(), monday: optional(text(8)), kind: oneOf('full', 'half') },
    references: { monday: 'plans' },
    introduces: { column: 'person', table: 'people', rowFrom: (person) => ({ id: person, name: `No. ${person}` }) },
    problemIn: ({ monday, kind }) =>
      kind === 'full' && monday === null ? { column: 'monday', expectation: 'a plan for somebody full' } : undefined,
  },
]

async function setUp(plans: string, assignments: string, files = described) {
  const db = openSqlite()
  const folder = await mkdtemp(join(tmpdir(), 'import-folder-'))
  onTestFinished(async () => {
    await db.destroy()
    await rm(folder, { recursive: true })
  })
  await sql`create table people (id integer primary key, name text)`.execute(db)
  await sql`create table plans (code text primary key, minutes integer)`.execute(db)
  await sql`create table assignments (person integer references people (id), valid_from text,
    monday text references plans (code), kind text, primary key (person, valid_from))`.execute(db)
  await writeFile(join(folder, 'plans.csv'), plans)
  await writeFile(join(folder, 'assignments.csv'), assignments)
  const rows = async (table: string) => (await sql`select * from ${sql.table(table)} order by 1, 2`.execute(db)).rows
  return { folder, rows, importAll: () => importFolder(db, folder, files) }
}

const plans = 'code,minutes\nA,480\nB,240\n'
const assignments = 'person,valid_from,kind,monday\n1,2025-01-01,full,A\n1,2025-02-01,half,\n2,2025-01-01,full,B\n'

it('reads any tables that are described, with keys of one column or of several', async () => {
  const { folder, rows, importAll } = await setUp(plans, assignments)
  expect(Object.fromEntries(await importAll())).toEqual({
    people: { added: 2, changed: 0, left: 0 },
    plans: { added: 2, changed: 0, left: 0 },
    assignments: { added: 3, changed: 0, left: 0 },
  })
  expect(await rows('people')).toEqual([
    { id: 1, name: 'No. 1' },
    { id: 2, name: 'No. 2' },
  ])
  await writeFile(join(folder, 'plans.csv'), 'code,minutes\nA,450\nC,0\n')
  await appendFile(join(folder, 'assignments.csv'), '3,2025-01-01,full,C\n')
  expect(Object.fromEntries(await importAll())).toEqual({
    people: { added: 1, changed: 0, left: 2 },
    plans: { added: 1, changed: 1, left: 0 },
    assignments: { added: 1, changed: 0, left: 3 },
  })
  expect(await rows('plans')).toMatchObject([{ minutes: 450 }, { code: 'B', minutes: 240 }, { code: 'C' }])
})

it.each([
  ['1,2025-01-01,full,C', '2:monday: expected a row of plans, got "C"'],
  ['1,2025-01-01,full,', '2:monday: expected a plan for somebody full, got ""'],
  [
    '1,2025-01-01,half,\n2,2025-01-01,half,\n1,2025-01-01,half,A',
    '4:person,valid_from: expected another one than in line 2',
  ],
])('refuses %j by what the tables are described with, and leaves the first file unwritten', async (lines, message) => {
  const { rows, importAll } = await setUp(plans, `person,valid_from,kind,monday\n${lines}\n`)
  await expect(importAll()).rejects.toThrow(`assignments.csv:${message}`)
  expect(await rows('plans')).toEqual([])
})

it('writes nothing of files that change for the worse between being checked and being written', async () => {
  let reads = 0
  const [plan, assignment] = described as [SourceFile, SourceFile]
  const spoilt: SourceFile = {
    ...assignment,
    problemIn: () => {
      reads += 1
      return reads > 3 ? { column: 'kind', expectation: 'what was there before' } : undefined
    },
  }
  const { rows, importAll } = await setUp(plans, assignments, [plan, spoilt])
  await expect(importAll()).rejects.toThrow('assignments.csv:2:kind: expected what was there before, got "full"')
  expect(await rows('plans')).toEqual([])
})
