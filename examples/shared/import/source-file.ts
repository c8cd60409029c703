import type { Cell } from '../database/upsert.ts'
import type { Column } from './columns.ts'
import { refusal } from './import-error.ts'
import { readCsv } from './read-csv.ts'

/** A row as it is written. */
export type Row = Readonly<Record<string, Cell>>

/** What is in a file, and which table it goes to. */
export interface SourceFile {
  readonly table: string
  /** How the file's name ends, `.csv` or `.csv.gz` behind it. */
  readonly name: string
  /** Default: false. */
  readonly isOptional?: boolean
  readonly columns: Readonly<Record<string, Column>>
  /** Columns that files may have and nobody needs. They are checked all the same: a line that is wrong there is wrong. */
  readonly ignored?: Readonly<Record<string, Column>>
  /** The columns that tell rows apart, those of the table's primary key. */
  readonly key: readonly string[]
  /** Columns that name a row of another table by its key of one column; that table's file comes before this one. */
  readonly references?: Readonly<Record<string, string>>
  /** A table of which a row is made, if there is none, for whatever the column names. */
  readonly introduces?: { readonly column: string; readonly table: string; rowFrom(id: Cell): Row }
  /** What no column can tell by itself: the column that is wrong, and what was expected of it. */
  readonly problemIn?: (row: Row) => { readonly column: string; readonly expectation: string } | undefined
}

/** The keys that there are, by table: in the files read so far, and in the database. */
export type Keys = ReadonlyMap<string, ReadonlySet<Cell>>

/**
 * Streams the rows of a file.
 *
 * @throws {ImportError} with the place, when a field is not as expected, a key comes twice, or a reference leads nowhere.
 */
export async function* rowsOf(path: string, file: SourceFile, keys: Keys): AsyncGenerator<readonly Row[]> {
  const wanted = Object.entries(file.columns)
  const lines = new Map<string, number>()
  const ignored = Object.entries(file.ignored ?? {})
  const csv = readCsv(path, { wanted: wanted.map(([name]) => name), ignored: ignored.map(([name]) => name) })
  for await (const { header, records } of csv) {
    const columns = [...wanted, ...ignored]
      .map(([name, column]) => ({ name, column, index: header.indexOf(name), isWanted: name in file.columns }))
      .filter(({ index }) => index >= 0)
    yield records.map(({ line, fields }) => {
      const field = (name: string) => fields[header.indexOf(name)] ?? ''
      const row: Record<string, Cell> = {}
      for (const { name, column, index, isWanted } of columns) {
        const value = column.parse(fields[index] ?? '')
        if (value === undefined) throw refusal({ path, line, column: name }, column.expectation, field(name))
        if (isWanted) row[name] = value
      }
      const problem = problemOf(file, row, keys)
      if (problem) throw refusal({ path, line, column: problem.column }, problem.expectation, field(problem.column))

      const key = keyOf(file, row)
      const earlier = lines.get(key)
      if (earlier !== undefined) {
        const place = { path, line, column: file.key.join(',') }
        throw refusal(place, `another one than in line ${earlier}`, file.key.map(field).join(','))
      }
      lines.set(key, line)
      return row
    })
  }
}

/** What tells the row apart from others of its table, as read from the file or from the database. */
export function keyOf({ key }: SourceFile, row: Row): string {
  return key.length === 1 ? String(row[key[0] ?? '']) : JSON.stringify(key.map((column) => row[column]))
}

function problemOf(file: SourceFile, row: Row, keys: Keys) {
  for (const [column, table] of Object.entries(file.references ?? {})) {
    const key = row[column] ?? null
    if (key !== null && !keys.get(table)?.has(key)) return { column, expectation: `a row of ${table}` }
  }
  return file.problemIn?.(row)
}
