import { InvalidRequestError } from '../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../expectation.ts'

/**
 * Checks what is said about a purge, of which nothing can be taken back: a misspelled bound would remove too much.
 *
 * @throws {InvalidRequestError} that names the value and what was expected of it.
 */
export function checkPurge(name: string, value: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  const shape = `an object { ${known.join(', ')} }`
  if (!isPlainObject(value)) throw new InvalidRequestError(expected(name, shape, value))
  const unknown = unknownProperty(value, known)
  if (unknown === undefined) return value
  throw new InvalidRequestError(`${expected(name, shape, value)}: \`${unknown}\` is not known`)
}

/** Milliseconds since 1970. @throws {InvalidRequestError} for anything but a valid `Date`. */
export function instantOf(name: string, value: unknown): number {
  const time = value instanceof Date ? value.getTime() : Number.NaN
  if (Number.isNaN(time)) throw new InvalidRequestError(expected(name, 'a valid Date', value))
  return time
}

/** @throws {InvalidRequestError} for anything but a non-empty string. */
export function idOf(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidRequestError(expected(name, 'a non-empty string', value))
}
