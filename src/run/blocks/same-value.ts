import { isDeepStrictEqual } from 'node:util'

/** `isDeepStrictEqual`, for which 0 and -0 are the same: a database knows no -0. */
export function isSame(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b) || (hasNegativeZero(a) && isDeepStrictEqual(withoutNegativeZero(a), b))
}

function hasNegativeZero(value: unknown): boolean {
  if (typeof value === 'number') return Object.is(value, -0)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNegativeZero)
}

function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(withoutNegativeZero)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, part]) => [name, withoutNegativeZero(part)] as const)
  return Object.assign(Object.create(Object.getPrototypeOf(value) as object | null), Object.fromEntries(entries))
}

/** True for what can be awaited. */
export function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
