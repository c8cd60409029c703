import { createHash } from 'node:crypto'

/** A key of fixed length for a list of strings of any length and in any script; different lists have different keys. */
export function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
