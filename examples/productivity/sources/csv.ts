import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type IsoDate, isIsoDate } from 'recalc-service'

/** Thrown when files are not as they should be; the message names the file, and the line and the column if it is one. */
export class ImportError extends Error {}

/** One line of a CSV file, by column name. */
export interface CsvRecord {
  /** @throws {ImportError} when the column is missing or empty. */
  text(column: string): string
  /** @throws {ImportError} as `text`, and when it holds no integer. */
  integer(column: string): number
  /** @throws {ImportError} as `text`, and when it holds no number. */
  decimal(column: string): number
  /** Milliseconds since 1970-01-01T00:00:00Z. @throws {ImportError} as `text`, and when it holds no instant in UTC. */
  instant(column: string): number
  /** @throws {ImportError} as `text`, and when it holds no calendar date. */
  date(column: string): IsoDate
  /** @throws {ImportError} as `text`, and when it holds none of the given words. */
  oneOf<Word extends string>(column: string, words: readonly Word[]): Word
  /** True when the column is there and empty, which stands for NULL. */
  isEmpty(column: string): boolean
}

/**
 * Streams the lines of a CSV file, unpacking it when its name ends with `.gz`. The first line names the columns; fields
 * may be quoted, but not span lines.
 */
export async function* readCsv(path: string): AsyncGenerator<CsvRecord> {
  let columns: ReadonlyMap<string, number> | undefined
  let lineNumber = 0
  for await (const line of readLines(path)) {
    lineNumber += 1
    if (columns && line !== '') yield new Line(columns, fieldsOf(line), `${path}:${lineNumber}`)
    columns ??= new Map(fieldsOf(line.replace(/^\uFEFF/, '')).map((name, index) => [name, index]))
  }
}

async function* readLines(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const text of readText(path)) {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/** Pieces of a text as they come. Not `node:readline`: it does not pass on errors of what it reads. */
async function* readText(path: string): AsyncGenerator<string> {
  const file = createReadStream(path)
  // `pipeline` ends what it returns with any error on the way, so there is nothing left for its callback to do.
  const stream = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file
  try {
    yield* stream.setEncoding('utf8')
  } catch (error) {
    throw new ImportError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

function fieldsOf(line: string): readonly string[] {
  if (!line.includes('"')) return line.split(',')
  const fields = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)
  return Array.from(fields, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '')
}

class Line implements CsvRecord {
  readonly #columns: ReadonlyMap<string, number>
  readonly #fields: readonly string[]
  readonly #place: string

  constructor(columns: ReadonlyMap<string, number>, fields: readonly string[], place: string) {
    this.#columns = columns
    this.#fields = fields
    this.#place = place
  }

  text(column: string): string {
    const field = this.#field(column)
    return field === '' ? this.#refuse(column, 'to be filled in', field) : field
  }

  integer(column: string): number {
    const text = this.text(column)
    return /^-?\d{1,15}$/.test(text) ? Number(text) : this.#refuse(column, 'to be an integer', text)
  }

  decimal(column: string): number {
    const text = this.text(column)
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : this.#refuse(column, 'to be a number such as 1.25', text)
  }

  instant(column: string): number {
    const text = this.text(column)
    const hasForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text)
    // JavaScript takes the 30th of February for the 2nd of March.
    const instant = hasForm && isIsoDate(text.slice(0, 10)) ? Date.parse(text) : Number.NaN
    if (!Number.isNaN(instant)) return instant
    return this.#refuse(column, 'to be an instant in UTC such as 2025-03-30T01:00:00.000Z', text)
  }

  date(column: string): IsoDate {
    const text = this.text(column)
    return isIsoDate(text) ? text : this.#refuse(column, 'to be a calendar date as YYYY-MM-DD', text)
  }

  oneOf<Word extends string>(column: string, words: readonly Word[]): Word {
    const text = this.text(column)
    return words.find((word) => word === text) ?? this.#refuse(column, `to be ${words.join(' or ')}`, text)
  }

  isEmpty(column: string): boolean {
    return this.#field(column) === ''
  }

  #field(column: string): string {
    const index = this.#columns.get(column)
    if (index === undefined) throw new ImportError(`${this.#place}: there is no column \`${column}\``)
    return this.#fields[index] ?? ''
  }

  #refuse(column: string, expectation: string, text: string): never {
    throw new ImportError(`${this.#place}: expected \`${column}\` ${expectation}, got ${JSON.stringify(text)}`)
  }
}
