import type { Difference, Totals } from '../net/api-types.ts'
import { csvOf } from './csv.ts'
import { changesOf, type FieldChange, valueText } from './field-change.ts'

/** A field of a day or period that would be different. */
export interface FieldDifference extends FieldChange {
  readonly of: Difference
}

/** The differences of a field, whoever's they are. */
export interface FieldGroup {
  readonly key: string
  readonly stage: string
  readonly field: string
  readonly items: readonly FieldDifference[]
}

export function fieldDifferences(differences: readonly Difference[]): readonly FieldDifference[] {
  return differences.flatMap((of) => changesOf(of.before, of.after).map((change) => ({ ...change, of })))
}

/** Those that hold what is looked for, in whatever is told of them. */
export function foundBy(search: string, differences: readonly FieldDifference[]): readonly FieldDifference[] {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return differences
  return differences.filter(({ field, before, after, of: { employee_id, start_date, end_date, stage, kind } }) => {
    const told = [employee_id, start_date, end_date, stage, kind, field, valueText(before), valueText(after)]
    return told.join('\n').toLowerCase().includes(wanted)
  })
}

/** By table and field, in the order of the first of each. */
export function fieldGroups(differences: readonly FieldDifference[]): readonly FieldGroup[] {
  const groups = Map.groupBy(differences, ({ field, of }) => JSON.stringify([of.stage, field]))
  return [...groups].map(([key, items]) => ({
    key,
    stage: items[0]?.of.stage ?? '',
    field: items[0]?.field ?? '',
    items,
  }))
}

export function differencesCsv(differences: readonly FieldDifference[]): string {
  const columns = ['employee_id', 'start_date', 'end_date', 'stage', 'kind', 'field', 'before', 'after']
  const rows = differences.map(({ field, before, after, of }) => [
    ...[of.employee_id, of.start_date, of.end_date, of.stage, of.kind, field, csvValue(before), csvValue(after)],
  ])
  return csvOf(columns, rows)
}

/** A number stays one; what there is none of is empty. */
export function csvValue(value: unknown): string | number | null {
  if (typeof value === 'number' || typeof value === 'string') return value
  return value === null || value === undefined ? null : JSON.stringify(value)
}

/** A total after the other. */
export function totalRows<Total>(totals: Totals<Total>) {
  return Object.entries(totals).flatMap(([stage, fields]) =>
    Object.entries(fields).map(([field, total]) => ({ key: JSON.stringify([stage, field]), stage, field, total })),
  )
}
