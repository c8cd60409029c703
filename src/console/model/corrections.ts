import type { Correction } from '../net/api-types.ts'
import { csvOf } from './csv.ts'
import { csvValue } from './differences.ts'
import { changesOf, valueText } from './field-change.ts'
import { rangeOf } from './job-text.ts'

/** What a correction says of a field; no numbers where it is something else than a number that is different. */
export interface CorrectedField {
  readonly field: string
  readonly stored: unknown
  readonly right: unknown
  readonly taken: number | null
  readonly difference: number | null
}

export function correctedFields({ stored, right, taken, difference }: Correction): readonly CorrectedField[] {
  const numbers = Object.entries(difference).map(([field, left]) => {
    const [old, now] = [fieldOf(stored, field), fieldOf(right, field)]
    return { field, stored: old, right: now, taken: taken[field] ?? 0, difference: left }
  })
  if (numbers.length > 0) return numbers
  return changesOf(stored, right).map(({ field, before, after }) => {
    return { field, stored: before, right: after, taken: null, difference: null }
  })
}

/** Those that hold what is looked for, in whatever is told of them. */
export function correctionsWith(search: string, corrections: readonly Correction[]): readonly Correction[] {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return corrections
  return corrections.filter((correction) => {
    const fields = correctedFields(correction).flatMap((of) => [of.field, valueText(of.stored), valueText(of.right)])
    const told = [correction.employee_id, rangeOf(correction), correction.stage, ...fields]
    return told.join('\n').toLowerCase().includes(wanted)
  })
}

/** A row for each field, in the columns that the server's own file has. */
export function correctionsCsv(corrections: readonly Correction[]): string {
  const columns = ['employee_id', 'start_date', 'end_date', 'stage', 'field', 'stored', 'right', 'taken', 'difference']
  const rows = corrections.flatMap((correction) => {
    const { employee_id, start_date, end_date, stage, id } = correction
    return correctedFields(correction).map(({ field, stored, right, taken, difference }) => [
      ...[employee_id, start_date, end_date, stage, field, csvValue(stored), csvValue(right), taken, difference, id],
    ])
  })
  return csvOf([...columns, 'id'], rows)
}

function fieldOf(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null) return field === '' ? value : undefined
  return Object.hasOwn(value, field) ? Reflect.get(value, field) : undefined
}
