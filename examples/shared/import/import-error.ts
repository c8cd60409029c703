/** Thrown when files are not as they should be; the message begins with the file, and the line and the column if it is one. */
export class ImportError extends Error {}

/** Where something is wrong. */
export interface Place {
  readonly path: string
  /** Counted from 1; the line of the columns' names is the first. */
  readonly line: number
  /** Its name, or its number where it has none. */
  readonly column?: string | number
}

const SHOWN = 100

/** As in `clock-times.csv:3:break_minutes: expected a whole number from 0 to 1440, got "-360"`. */
export function refusal({ path, line, column }: Place, expectation: string, got: string): ImportError {
  const shown = got.length > SHOWN ? `${got.slice(0, SHOWN)}…` : got
  const place = column === undefined ? `${path}:${line}` : `${path}:${line}:${column}`
  return new ImportError(`${place}: expected ${expectation}, got ${JSON.stringify(shown)}`)
}
