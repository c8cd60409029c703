import { createHash } from 'node:crypto'

/** Characters of a digest: two values meet by chance in one of 2^128 cases. */
const LENGTH = 32

/** A digest of some values, the same in every process; the order of properties does not matter. */
export function digestOf(...values: readonly unknown[]): string {
  return createHash('sha256').update(textOf(values, [])).digest('hex').slice(0, LENGTH)
}

/** @param around The objects that hold the value: one that holds itself has a text, too. */
function textOf(value: unknown, around: readonly object[]): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '0' : String(value)
  if (around.includes(value)) return `^${around.indexOf(value)}`
  const inside = [...around, value]
  const list = (values: Iterable<unknown>) => Array.from(values, (one) => textOf(one, inside)).join()
  if (value instanceof Date) return `date ${value.getTime()}`
  if (Array.isArray(value)) return `[${list(value)}]`
  if (value instanceof Map) return `map [${list(value)}]`
  if (value instanceof Set) return `set [${list(value)}]`
  if (ArrayBuffer.isView(value)) {
    return `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  }
  const entries = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => `${JSON.stringify(name)}:${textOf(one, inside)}`)
  // Objects such as decimals keep what they are to themselves.
  return entries.length > 0 ? `{${entries.join()}}` : `{${JSON.stringify(String(JSON.stringify(value)))}}`
}
