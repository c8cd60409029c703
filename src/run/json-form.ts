import { messageOf } from './failure.ts'

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

/**
 * The JSON form of an object of which some parts may have none. These are `null`, and a property named `reason` says why.
 */
export function jsonFormOfParts(parts: object, reason: string): string {
  try {
    return jsonFormOf(parts)
  } catch {
    const without: string[] = []
    const told = Object.entries(parts).map(([name, part]: [string, unknown]) => {
      try {
        return `${JSON.stringify(name)}:${jsonFormOf(part)}`
      } catch (error) {
        without.push(`${name}: ${messageOf(error)}`)
        return `${JSON.stringify(name)}:null`
      }
    })
    return `{${told.join()},${JSON.stringify(reason)}:${JSON.stringify(without.join('; '))}}`
  }
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    // With a replacer it takes several times as long, and only a bigint needs it.
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  }
}
