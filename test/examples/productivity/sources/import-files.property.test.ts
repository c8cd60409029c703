import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { afterAll, expect, it } from 'vitest'
import type { Database, Tables } from '../../../../examples/productivity/schema/tables.ts'
import { importFiles } from '../../../../examples/productivity/sources/import-files.ts'
import { ImportError } from '../../../../examples/shared/import/import-error.ts'
import { fc } from '../../../support/fc.ts'
import { HANGS_MS } from '../../../support/limits.ts'
import { runs } from '../../../support/runs.ts'
import { openWarehouse } from '../support/warehouse.ts'

const files = {
  'role-configs.csv': [
    'id,role_name,role_type,multiplier,expected_per_hour,idle_threshold_minutes',
    '1,"Packing, ""fast""",continuous,1.25,,5',
    '2,Kommissionieren größer,batch,2.50,32,',
  ],
  'pay-rates.csv': ['employee_id,effective_from,hourly_rate', 'Müller,2024-01-01,20.50', 'Müller,2025-01-01,21'],
  'clock-times.csv': [
    'id,employee_id,clock_in,clock_out,break_minutes',
    '1,Müller,2025-03-03T08:00:00Z,2025-03-03T16:00:00.500Z,30',
    '2,Möller,2025-03-03T08:00:00Z,,0',
    '3,"b",2025-03-04T08:00:00.000Z,2025-03-04T16:00:00Z,15',
  ],
  'activity-logs.csv': [
    'id,employee_id,role_id,case_id,window_start,window_end,items_count',
    '1,Müller,1,x,2025-03-03T08:00:00Z,2025-03-03T09:00:00Z,12',
    '2,b,2,,2025-03-04T08:00:00Z,2025-03-04T08:30:00Z,3',
  ],
} as const

type Name = keyof typeof files
const names = Object.keys(files) as Name[]
const tableOf = (name: Name) => name.replace('.csv', '').replace('-', '_') as keyof Tables
const bytesOf = (name: Name) => Buffer.from(`${files[name].join('\n')}\n`)

type Mutation = (bytes: Buffer, at: number, choice: number) => Buffer

const oddFields = [
  ...[
    '',
    ' ',
    ' a',
    'a ',
    '\u00a0a',
    'a\u200b',
    '0',
    '-1',
    '+1',
    '007',
    '1e3',
    '0x10',
    '1.',
    '.5',
    '1,5',
    '"1,5"',
    '1.005',
  ],
  ...['1.250', '1.000,50', '-0', 'NaN', 'Infinity', '2147483647', '2147483648', '99999999999999999999', 'x'.repeat(65)],
  ...['2025-03-03', '2025-03-03T08:00:00', '2025-03-03T08:00:00+01:00', '2025-02-30T08:00:00Z', '2205-03-03T08:00:00Z'],
  ...[
    '1925-03-03T08:00:00Z',
    '2025-03-03T24:00:00Z',
    '2025-03-03 08:00:00Z',
    '2025-03-03T08:00:00.1234Z',
    '2025-02-29',
  ],
  ...[
    '"a"b',
    '"',
    '"a',
    'a"b',
    '""',
    '"x""y"',
    'NULL',
    'Batch',
    'batch',
    'continuous',
    '2',
    '9',
    '2205-01-01',
    'a\tb',
    'a\0',
  ],
]

function ofLines(change: (lines: string[], at: number, choice: number) => readonly string[]): Mutation {
  return (bytes, at, choice) =>
    Buffer.from(change(bytes.toString('latin1').split('\n'), at, choice).join('\n'), 'latin1')
}

const mutations: Readonly<Record<string, Mutation>> = {
  'another byte': (bytes, at, choice) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.of(choice), bytes.subarray(at + 1)]),
  'one byte more': (bytes, at, choice) => Buffer.concat([bytes.subarray(0, at), Buffer.of(choice), bytes.subarray(at)]),
  'some bytes less': (bytes, at, choice) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + (choice % 20))]),
  'cut off': (bytes, at) => bytes.subarray(0, at),
  'some bytes twice': (bytes, at, choice) => Buffer.concat([bytes.subarray(0, at + (choice % 60)), bytes.subarray(at)]),
  'another field': ofLines((lines, at, choice) => {
    const row = at % lines.length
    const fields = lines[row]!.split(',')
    const field = Buffer.from(oddFields[choice % oddFields.length]!).toString('latin1')
    return lines.with(row, fields.with(at % fields.length, field).join(','))
  }),
  'a field less': ofLines((lines, at) => {
    const row = at % lines.length
    return lines.with(
      row,
      lines[row]!.split(',')
        .toSpliced(at % 5, 1)
        .join(','),
    )
  }),
  'a line less': ofLines((lines, at) => lines.toSpliced(at % lines.length, 1)),
  'a line twice': ofLines((lines, at, choice) => lines.toSpliced(choice % lines.length, 0, lines[at % lines.length]!)),
  'an empty line': ofLines((lines, at) => lines.toSpliced(at % lines.length, 0, '')),
  'other delimiters': ofLines((lines, _, choice) =>
    lines.map((line) => line.replaceAll(',', [';', '\t', '|'][choice % 3]!)),
  ),
  'other line ends': ofLines((lines, _, choice) => [lines.join(['\r\n', '\r', '\n\n', '\n\r'][choice % 4])]),
  'another case': ofLines((lines) => lines.with(0, lines[0]!.toUpperCase())),
  'another encoding': (bytes, _, choice) => {
    const text = bytes.toString()
    const mark = Buffer.of(0xef, 0xbb, 0xbf)
    const others = [Buffer.from(text, 'latin1'), Buffer.from(text, 'utf16le'), Buffer.from(`\ufeff${text}`, 'utf16le')]
    return [...others, Buffer.concat([mark, bytes]), Buffer.concat([mark, mark, bytes])][choice % 5]!
  },
}

const changes = fc.record({
  name: fc.constantFrom(...names),
  /** Undefined: not packed. */
  packed: fc.option(fc.constantFrom('well', 'damaged', 'in two parts', 'under a wrong name'), {
    nil: undefined,
    freq: 2,
  }),
  steps: fc.array(
    fc.record({ kind: fc.constantFrom(...Object.keys(mutations)), at: fc.nat(), choice: fc.nat({ max: 255 }) }),
    { minLength: 1, maxLength: 2 },
  ),
})

type Change = typeof changes extends fc.Arbitrary<infer Value> ? Value : never

function apply({ name, packed, steps }: Change): { readonly name: string; readonly bytes: Buffer } {
  const mutate = (bytes: Buffer) =>
    steps.reduce((all, { kind, at, choice }) => mutations[kind]!(all, at % (all.length + 1), choice), bytes)
  const bytes = bytesOf(name)
  const half = bytes.indexOf('\n') + 1
  switch (packed) {
    case undefined:
      return { name, bytes: mutate(bytes) }
    case 'well':
      return { name: `${name}.gz`, bytes: gzipSync(mutate(bytes)) }
    case 'damaged':
      return { name: `${name}.gz`, bytes: mutate(gzipSync(bytes)) }
    case 'in two parts':
      return {
        name: `${name}.gz`,
        bytes: mutate(Buffer.concat([gzipSync(bytes.subarray(0, half)), gzipSync(bytes.subarray(half))])),
      }
    case 'under a wrong name':
      return steps[0]!.choice % 2 === 0
        ? { name, bytes: gzipSync(bytes) }
        : { name: `${name}.gz`, bytes: mutate(bytes) }
  }
}

/** The rows of a file that was accepted, read without any of the code that is judged. */
function plainRows(name: string, bytes: Buffer): readonly Readonly<Record<string, string>>[] {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(name.endsWith('.gz') ? gunzipSync(bytes) : bytes)
  const [header, ...lines] = text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map(fieldsOf)
  return lines.map((fields) => {
    expect(fields).toHaveLength(header!.length)
    return Object.fromEntries(header!.map((column, index) => [column, fields[index]!]))
  })
}

function fieldsOf(line: string): readonly string[] {
  const fields = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g)!.slice(0, line.endsWith(',') ? undefined : -1)
  return fields
    .map((field) => field.replace(/,$/, ''))
    .map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field))
}

/** A field as it lies in the database. */
function cellOf(column: string, field: string): string | number | null {
  if (field === '') return null
  if (/^(clock_|window_)/.test(column)) return Date.parse(field)
  return /^(employee_id|role_name|role_type|effective_from)$/.test(column) ? field : Number(field)
}

async function rowsIn(db: Database, name: Name) {
  return await db.selectFrom(tableOf(name)).selectAll().execute()
}

async function rowsInAll(db: Database): Promise<number> {
  const tables = [...names.map(tableOf), 'employees']
  const counts = tables.map((table) => sql`(select count(*) from ${sql.table(table)})`)
  const { rows } = await sql<{ count: number }>`select ${sql.join(counts, sql` + `)} as count`.execute(db)
  return rows[0]!.count
}

const folder = await mkdtemp(join(tmpdir(), 'recalc-files-'))
afterAll(() => rm(folder, { recursive: true }))

/** How many files are changed and read. */
const FILES = runs(600, 8_000)

it('files with something changed are each refused with file and line, or imported exactly', {
  timeout: HANGS_MS,
}, async () => {
  const db = await openWarehouse()
  for (const name of names) await writeFile(join(folder, name), bytesOf(name))
  const outcomes = { refused: 0, imported: 0 }
  await fc.assert(
    fc.asyncProperty(changes, async (change) => {
      const { name, bytes } = apply(change)
      if (name !== change.name) await rm(join(folder, change.name))
      await writeFile(join(folder, name), bytes)
      try {
        const error = await importFiles(db, folder).then(
          () => undefined,
          (refused: unknown) => refused,
        )
        if (error === undefined) {
          outcomes.imported += 1
          const rows = plainRows(name, bytes)
          const stored = await rowsIn(db, change.name)
          expect(stored).toHaveLength(rows.length)
          for (const [index, row] of rows.entries()) {
            const { case_id, ...cells } = Object.fromEntries(
              Object.entries(row).map(([column, field]) => [column, cellOf(column, field)]),
            )
            const found = stored.find((one) => ('id' in one ? one.id === cells.id : isRateOf(one, cells)))
            expect(found, `row ${index + 1}`).toMatchObject(cells)
          }
        } else {
          outcomes.refused += 1
          expect(error).toBeInstanceOf(ImportError)
          // An unknown role may be blamed on the activities that name it.
          expect((error as Error).message).toMatch(/^\S+\/(\S+\.csv(\.gz)?):\d+(:[^\n]+)?: /)
          expect(await rowsInAll(db)).toBe(0)
        }
      } finally {
        if (name !== change.name) await rm(join(folder, name))
        await writeFile(join(folder, change.name), bytesOf(change.name))
        if ((await rowsInAll(db)) > 0) {
          for (const one of names.toReversed()) await db.deleteFrom(tableOf(one)).execute()
          await db.deleteFrom('employees').execute()
        }
      }
    }),
    { numRuns: FILES },
  )
  await db.destroy()
  expect(Math.min(outcomes.refused, outcomes.imported)).toBeGreaterThan(FILES / 20)
})

function isRateOf(row: object, { employee_id, effective_from }: Readonly<Record<string, unknown>>): boolean {
  return (
    'effective_from' in row &&
    row.effective_from === effective_from &&
    'employee_id' in row &&
    row.employee_id === employee_id
  )
}
