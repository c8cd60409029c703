import { fromEpochDay } from '../../../src/calendar/epoch-day.ts'
import type { DayDifference } from '../../../src/index.ts'

/** Differences as {@link changesBetween} writes them. */
export function textOf(differences: readonly DayDifference[]): readonly string[] {
  return differences.map(
    ({ stage, employeeId, date, period, before, after }) =>
      `${stage} ${employeeId} ${date ?? period?.from}: ${before} -> ${after}`,
  )
}

/** The rows of derived tables that are different between two dumps. */
export function changesBetween(
  before: readonly string[],
  after: readonly string[],
  tables: readonly string[],
): readonly string[] {
  const [old, now] = [rowsOf(before), rowsOf(after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => tables.includes(key.split(' ')[0] ?? '') && old.get(key) !== now.get(key))
    .map((key) => {
      const [table, employeeId, day] = key.split(' ')
      return `${table} ${employeeId} ${fromEpochDay(Number(day))}: ${old.get(key) ?? null} -> ${now.get(key) ?? null}`
    })
    .toSorted()
}

function rowsOf(dump: readonly string[]): ReadonlyMap<string, string> {
  const rows = dump.map((row) => row.split(': ') as [string, string]).filter(([, value]) => value !== 'undefined')
  return new Map(rows)
}
