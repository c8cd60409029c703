import { isDeepStrictEqual } from 'node:util'

/** `isDeepStrictEqual`, for which 0 and -0 are the same: few databases know a -0. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b || isDeepStrictEqual(a, b)) return true
  if (!hasNegativeZero(a) && !hasNegativeZero(b)) return false
  return isDeepStrictEqual(withoutNegativeZero(a), withoutNegativeZero(b))
}

/** Looks through a value without recursion: it may be deep, and it may hold itself. */
function hasNegativeZero(value: unknown): boolean {
  const left = [value]
  const seen = new Set<unknown>()
  while (left.length > 0) {
    const part = left.pop()
    if (Object.is(part, -0)) return true
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part) || seen.has(part)) continue
    seen.add(part)
    for (const inner of Object.values(part)) if (typeof inner === 'object' || inner === 0) left.push(inner)
  }
  return false
}

/** Parts without -0, such as a `Date`, stay the same objects: a copy would lose what only the original can tell. */
function withoutNegativeZero(value: unknown, copies = new Map<object, object>()): unknown {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value
  if (!hasNegativeZero(value)) return value
  const known = copies.get(value)
  if (known) return known
  const copy = Array.isArray(value)
    ? new Array(value.length)
    : (Object.create(Object.getPrototypeOf(value) as object | null) as object)
  copies.set(value, copy)
  for (const [name, part] of Object.entries(value)) {
    // By definition: assigning `__proto__` would give it another prototype.
    const own = { value: withoutNegativeZero(part, copies), enumerable: true, writable: true, configurable: true }
    Object.defineProperty(copy, name, own)
  }
  return copy
}

/** True for what can be awaited. */
export function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
