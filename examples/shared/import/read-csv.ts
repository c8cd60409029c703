import { CsvError, type InfoRecord, type Options, parse } from 'csv-parse/sync'
import { type Place, refusal } from './import-error.ts'
import { type Lines, readLines } from './read-lines.ts'

/** One line of a CSV file. */
interface CsvRecord {
  readonly line: number
  /** As many as there are columns, in the order of the file's first line. */
  readonly fields: readonly string[]
}

/** Which columns a file has, in any order. */
export interface CsvColumns {
  readonly wanted: readonly string[]
  /** May be there too. */
  readonly ignored: readonly string[]
}

/** The records of some lines, and what their fields are. */
interface CsvRecords {
  readonly header: readonly string[]
  readonly records: readonly CsvRecord[]
}

const OPTIONS = {
  delimiter: ',',
  record_delimiter: ['\n', '\r\n'],
  // How many fields there are is looked at here, where the columns have names.
  relax_column_count: true,
  skip_empty_lines: true,
} as const satisfies Options

/** Whatever no field holds: control characters, a `\r` that ends no line, and what stands for bytes that are not UTF-8. */
const UNREADABLE = /(?![\t\n\r])\p{Cc}|\uFFFD|\r(?!\n)/u

/**
 * Streams the records of a CSV file: comma-separated, in UTF-8, its first line the names of its columns. Fields may be
 * quoted, but not span lines.
 *
 * @throws {ImportError} when anything about its form is wrong, with the place.
 */
export async function* readCsv(path: string, columns: CsvColumns): AsyncGenerator<CsvRecords> {
  let header: readonly string[] | undefined
  for await (const lines of readLines(path)) {
    // Before the first line has been checked, it may name the columns of the others all the same.
    const names = header ?? lines.text.split(/\r?\n/, 1)[0]?.split(',') ?? []
    refuseUnreadable(path, lines, names)
    let records = recordsOf(path, lines, names)
    if (!header) {
      const [first, ...others] = records
      header = headerFrom(path, columns, first?.line === 1 ? first.fields : [])
      records = others
    }
    for (const record of records) refuseShape(path, record, header)
    yield { header, records }
  }
  if (!header) headerFrom(path, columns, [])
}

function recordsOf(path: string, { text, first }: Lines, names: readonly string[]): readonly CsvRecord[] {
  try {
    // With `info` each record comes with where it ends; the types do not know.
    const parsed = parse(text, { ...OPTIONS, info: true }) as unknown as readonly {
      readonly record: string[]
      readonly info: InfoRecord
    }[]
    return parsed.map(({ record, info }) => {
      // A field that spans lines is refused, where its record begins.
      return { line: first + info.lines - record.join().split('\n').length, fields: record }
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw quoteRefusal(path, { text, first }, names) ?? error
  }
}

/** The first line that cannot be read by itself. */
function quoteRefusal(path: string, { text, first }: Lines, names: readonly string[]) {
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    try {
      parse(line, OPTIONS)
    } catch (error) {
      if (!(error instanceof CsvError)) throw error
      const number = typeof error.column === 'number' ? error.column + 1 : 1
      const expectation = 'quotes around whole fields only, doubled inside, and closed on their line'
      return refusal(placeOf(path, first + index, number, names), expectation, line)
    }
  }
  return undefined
}

function refuseUnreadable(path: string, { text, first }: Lines, names: readonly string[]): void {
  const index = text.search(UNREADABLE)
  if (index < 0) return
  const before = text.slice(0, index).split('\n')
  const number = (before.at(-1) ?? '').replaceAll(/"[^"]*"?/g, '').split(',').length
  const place = placeOf(path, first + before.length - 1, number, names)
  const line = text.split('\n', before.length).at(-1) ?? ''
  if (text[index] === '\uFFFD') {
    throw refusal(place, 'text in UTF-8, not in Latin-1, UTF-16 or another encoding', line)
  }
  if (text[index] === '\r') throw refusal(place, 'lines that end with \\n or \\r\\n, not with \\r alone', line)
  throw refusal(place, 'text without control characters, in UTF-8', line)
}

/** In the line of the names, a column is told by its number. */
function placeOf(path: string, line: number, number: number, names: readonly string[]): Place {
  return { path, line, column: (line > 1 && names[number - 1]) || number }
}

function headerFrom(path: string, { wanted, ignored }: CsvColumns, found: readonly string[]): readonly string[] {
  const line: Place = { path, line: 1 }
  const known = [...wanted, ...ignored]
  if (!found.some((name) => known.includes(name))) {
    throw refusal(line, `the columns ${wanted.join(',')} with commas between them`, found.join(','))
  }
  for (const [index, name] of found.entries()) {
    const place = { ...line, column: name === '' ? index + 1 : name }
    if (found.indexOf(name) < index) throw refusal(place, 'each column once', found.join(','))
    if (known.includes(name)) continue
    const meant = known.find((other) => other === name.trim().toLowerCase())
    throw refusal(place, meant === undefined ? `only the columns ${wanted.join(',')}` : `the column ${meant}`, name)
  }
  const missing = wanted.find((name) => !found.includes(name))
  if (missing === undefined) return found
  throw refusal({ ...line, column: missing }, `a column of that name`, found.join(','))
}

function refuseShape(path: string, { line, fields }: CsvRecord, header: readonly string[]): void {
  if (fields.length !== header.length) {
    const column = header[fields.length] ?? header.length + 1
    throw refusal(
      { path, line, column },
      `${header.length} fields, with a point in decimals and no commas in numbers`,
      fields.join(','),
    )
  }
  const index = fields.findIndex((field) => field.includes('\n'))
  if (index < 0) return
  throw refusal({ path, line, column: header[index] ?? index + 1 }, 'a field on one line', fields[index] ?? '')
}
