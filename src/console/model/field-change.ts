/** A field of a value, before and after. */
export interface FieldChange {
  /** Empty: the value itself. */
  readonly field: string
  /** `undefined`: there is none. */
  readonly before: unknown
  readonly after: unknown
}

/** The fields in which two values differ. A value without fields, and one that seems to be the same, is told as a whole. */
export function changesOf(before: unknown, after: unknown): readonly FieldChange[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  const changes =
    old && now
      ? [...new Set([...Object.keys(old), ...Object.keys(now)])]
          .map((field) => ({ field, before: partOf(old, field), after: partOf(now, field) }))
          .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after))
      : []
  return changes.length > 0 ? changes : [{ field: '', before, after }]
}

/** A value as people read it. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '–'
  return typeof value === 'string' ? value : typeof value === 'number' ? formatAmount(value) : JSON.stringify(value)
}

const DIGITS = 12
const amounts = new Intl.NumberFormat('en', { maximumSignificantDigits: DIGITS })
const differences = new Intl.NumberFormat('en', { maximumSignificantDigits: DIGITS, signDisplay: 'exceptZero' })

export function formatAmount(amount: number): string {
  return amounts.format(amount)
}

/** `+7.5`, `-3`. */
export function formatDifference(amount: number): string {
  return differences.format(amount)
}

/** What lies between two amounts, without the digits that they do not have. */
export function differenceOf(before: number, after: number): number {
  const size = Math.ceil(Math.log10(Math.max(1, Math.abs(before), Math.abs(after))))
  return Number((after - before).toFixed(Math.max(0, DIGITS - size)))
}

/** What a field is called; a value that is a number itself has none. */
export function fieldName(field: string): string {
  return field || 'value'
}

type Fields = Readonly<Record<string, unknown>>

/** `null` is no row: all of the other one's fields are new. `undefined`: it has no fields. */
function fieldsOf(value: unknown): Fields | undefined {
  if (value === null) return {}
  return typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : undefined // parsed JSON
}

function partOf(fields: Fields, field: string): unknown {
  return Object.hasOwn(fields, field) ? fields[field] : undefined
}
