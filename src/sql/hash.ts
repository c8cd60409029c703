import { createHash } from 'node:crypto'

/** A key of fixed length for a list of strings of any length and in any script; different lists have different keys. */
export function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** How failures of an employee are found. */
export function employeeHash(employeeId: string): string
export function employeeHash(employeeId: string | null): string | null
export function employeeHash(employeeId: string | null): string | null {
  return employeeId === null ? null : hash('employee', employeeId)
}
