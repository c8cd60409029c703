/**
 * The JSON form of a value that a stage has stored or calculated. A `bigint` becomes a string, as a `Date` does.
 *
 * @throws {TypeError} when it has none.
 */
export function jsonFormOf(value: unknown): string {
  const json = toJson(value) as string | undefined // its type does not tell that a function has no JSON
  if (json === undefined) throw new TypeError(`a ${typeof value} has no JSON form`)
  return json
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    // With a replacer it takes several times as long, and only a bigint needs it.
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  }
}
