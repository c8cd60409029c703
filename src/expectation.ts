/** A short, safe rendering of any value for an error message: never throws, never longer than a line. */
export function describe(value: unknown): string {
  const text = rendered(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** Accessors and proxies throw what they like when they are looked at. */
function rendered(value: unknown): string {
  try {
    return render(value)
  } catch {
    return typeof value === 'function' ? 'a function' : 'an object'
  }
}

function render(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'function':
      return `function ${value.name || '(anonymous)'}`
    case 'object':
      return value === null ? 'null' : renderObject(value)
    default:
      return String(value)
  }
}

function renderObject(value: object): string {
  if (value instanceof Date) {
    return `Date(${Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()})`
  }
  if (Array.isArray(value)) return `an array of ${value.length}`
  return JSON.stringify(value) ?? 'an object'
}

/** The one sentence in which every refusal is worded. */
export function expected(name: string, expectation: string, value: unknown): string {
  return `Expected \`${name}\` to be ${expectation}, got ${describe(value)}`
}

/** True for what a caller writes as `{ … }`: no array, no Date, no class instance. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The first property that nobody reads: a typo that would otherwise be ignored in silence. */
export function unknownProperty(value: object, known: readonly string[]): string | undefined {
  return Object.keys(value).find((key) => !known.includes(key))
}

/** True when every one of `methods` can be called on `value`. */
export function hasMethods(value: unknown, methods: readonly string[]): boolean {
  const members = value as Readonly<Record<string, unknown>> | null | undefined
  return methods.every((method) => typeof members?.[method] === 'function')
}
