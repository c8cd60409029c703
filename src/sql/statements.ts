import { asciiJson } from './ascii-json.ts'

/** The most that one statement may carry, well below MySQL's smallest usual `max_allowed_packet` of 1 MB. */
const MAX_BYTES = 256 * 1024

/** The most rows of one statement: below every engine's limit of bound values. */
const MAX_ROWS = 500

/** Rows in groups that one statement may carry, bounded in rows and bytes. */
export function* statements<Row>(
  rows: readonly Row[],
  bytesOf: (row: Row) => number,
  maxRows = MAX_ROWS,
): Generator<readonly Row[]> {
  let group: Row[] = []
  let bytes = 0
  for (const row of rows) {
    const size = bytesOf(row)
    if (group.length > 0 && (bytes + size > MAX_BYTES || group.length >= maxRows)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(row)
    bytes += size
  }
  if (group.length > 0) yield group
}

// MySQL's client puts a backslash in front of these, and of some control characters.
const ESCAPED = /[\p{Cc}"'\\]/gu

/** The bytes that a bound string takes in a statement, at most. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text) + (text.match(ESCAPED)?.length ?? 0) + 16
}

/** The same of JSON in ASCII, in a fraction of the time. */
export function bytesOfAscii(json: string): number {
  let bytes = json.length + 16
  for (let i = 0; i < json.length; i++) {
    const unit = json.charCodeAt(i)
    if (unit === QUOTE || unit === APOSTROPHE || unit === BACKSLASH) bytes += 1
  }
  return bytes
}

const QUOTE = 0x22
const APOSTROPHE = 0x27
const BACKSLASH = 0x5c

/** The bytes that a string takes as a part of bound JSON. */
export function bytesOfJson(text: string): number {
  return bytesOf(asciiJson(text))
}
