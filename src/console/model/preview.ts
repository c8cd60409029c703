import type { Difference, PreviewSummary } from '../net/api-types.ts'
import { csvText } from './csv.ts'
import { formatCount, formatPlural } from './format.ts'

/** How many differences are told; all are counted. */
export const MOST_TOLD = 5_000

/** A field of a value, before and after. */
export interface ChangedField {
  /** The table's stage and the field; a value that is no record has no field. */
  readonly name: string
  readonly difference: Difference
  readonly before: string
  readonly after: string
}

/** What is different, field by field. */
export function changedFields(difference: Difference): readonly ChangedField[] {
  const [before, after] = [fieldsOf(difference.before), fieldsOf(difference.after)]
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((field) => ({
      name: field === '' ? difference.stage : `${difference.stage}: ${field}`,
      difference,
      before: before.get(field) ?? '–',
      after: after.get(field) ?? '–',
    }))
    .filter((changed) => changed.before !== changed.after)
}

/** The same field together, the most frequent first. */
export function byField(fields: readonly ChangedField[]): readonly (readonly [string, readonly ChangedField[]])[] {
  return [...Map.groupBy(fields, ({ name }) => name)].sort(([, a], [, b]) => b.length - a.length)
}

/** Those of an employee, a date or a value that somebody looks for. */
export function found(fields: readonly ChangedField[], wanted: string): readonly ChangedField[] {
  const text = wanted.trim().toLowerCase()
  if (text === '') return fields
  return fields.filter(({ name, difference, before, after }) => {
    const all = [name, difference.employee_id, datesOf(difference), before, after]
    return all.some((one) => one.toLowerCase().includes(text))
  })
}

/** The day, or the first and the last of a period. */
export function datesOf({ start_date: from, end_date: to }: Difference): string {
  return from === to ? from : `${from} to ${to}`
}

/** What it came to, in a sentence. */
export function summaryText(summary: PreviewSummary): string {
  const { days, changed_days: changed, inserts, updates, deletes, closed_days: closed, failed_days: failed } = summary
  const rows = [
    ['new', inserts],
    ['different', updates],
    ['removed', deletes],
  ] as const
  const told = rows.filter(([, count]) => count > 0).map(([what, count]) => `${formatCount(count)} ${what}`)
  const parts = [`${formatCount(changed)} of ${formatPlural(days, 'employee-day')} would change`]
  if (told.length > 0) parts.push(`values: ${told.join(', ')}`)
  if (closed > 0) parts.push(`${formatPlural(closed, 'day')} closed`)
  if (failed > 0) parts.push(`${formatPlural(failed, 'day')} would fail`)
  return `${parts.join('; ')}.`
}

/** Stage, field and its sums. */
export function totalsOf({ totals }: PreviewSummary): readonly (readonly [string, number, number])[] {
  return Object.entries(totals).flatMap(([stage, fields]) =>
    Object.entries(fields)
      .filter(([, { before, after }]) => before !== after)
      .map(([field, { before, after }]) => [field === '' ? stage : `${stage}: ${field}`, before, after] as const),
  )
}

/** A row per changed field. */
export function previewCsv(fields: readonly ChangedField[]): string {
  const header = ['employee_id', 'from', 'to', 'field', 'before', 'after']
  const rows = fields.map(({ name, difference, before, after }) => {
    return [difference.employee_id, difference.start_date, difference.end_date, name, before, after]
  })
  return csvText([header, ...rows])
}

/** The fields of a record; a list counts as one value. */
function fieldsOf(value: unknown): ReadonlyMap<string, string> {
  if (value === null || value === undefined) return new Map()
  if (typeof value !== 'object' || Array.isArray(value)) return new Map([['', textOf(value)]])
  return new Map(Object.entries(value).map(([field, one]) => [field, textOf(one)]))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
