import { addDays, type DateInterval } from '../../calendar/date-range.ts'
import type { IsoDate } from '../../calendar/iso-date.ts'
import type { LaneCheckpoint, RecordedFailure } from '../checkpoint.ts'
import type { Employee } from '../plan/host-contracts.ts'

/** Employees who are to be repaired on the same dates. */
export interface RepairRange extends DateInterval {
  readonly employees: readonly Employee[]
}

/** What recorded failures ask to be done again: employees with the same dates share a range, at most `maxEmployees` of them. */
export function* repairRanges(failures: readonly RecordedFailure[], maxEmployees: number): Generator<RepairRange> {
  const extentsOf = Map.groupBy(extents(failures), ({ employeeId }) => employeeId)
  const alike = new Map<string, { readonly range: DateInterval; readonly employees: Employee[] }>()
  for (const [id, own] of extentsOf) {
    for (const range of joined(own)) {
      const key = `${range.from} ${range.to}`
      const group = alike.get(key) ?? { range, employees: [] }
      alike.set(key, group)
      group.employees.push({ id })
    }
  }
  for (const { range, employees } of alike.values()) {
    for (let i = 0; i < employees.length; i += maxEmployees) {
      yield { ...range, employees: employees.slice(i, i + maxEmployees) }
    }
  }
}

/** Periods to be calculated again by the same stage, of employees in whom they begin on the same date. */
export function* periodRanges(
  failures: readonly RecordedFailure[],
  maxEmployees: number,
): Generator<Pick<DateInterval, 'from'> & { readonly stage: string; readonly employees: readonly Employee[] }> {
  const alike = Map.groupBy(failures, ({ stage, date }) => `${date} ${stage}`)
  for (const group of alike.values()) {
    for (let i = 0; i < group.length; i += maxEmployees) {
      const part = group.slice(i, i + maxEmployees)
      const { stage, date } = part[0] as RecordedFailure
      if (date === null) continue
      yield {
        stage,
        from: date,
        employees: part.flatMap(({ employeeId }) => (employeeId === null ? [] : [{ id: employeeId }])),
      }
    }
  }
}

/** Failures that no open repair lane is about to settle. */
export function withoutLanes(
  failures: readonly RecordedFailure[],
  openLanes: readonly LaneCheckpoint[],
): readonly RecordedFailure[] {
  const repairing = openLanes.filter(({ kind }) => kind === 'repair')
  if (repairing.length === 0) return failures
  const rest = new Map<string, DateInterval[]>()
  for (const { employeeIds, from, to, datesDone } of repairing) {
    const range = { from: addDays(from, datesDone), to }
    for (const id of employeeIds) rest.set(id, [...(rest.get(id) ?? []), range])
  }
  return failures.filter(({ employeeId, date }) => {
    const ranges = employeeId === null ? undefined : rest.get(employeeId)
    return date === null || !ranges?.some(({ from, to }) => from <= date && date <= to)
  })
}

function extents(failures: readonly RecordedFailure[]) {
  return failures.flatMap(({ employeeId, date, through }) =>
    employeeId === null || date === null ? [] : [{ employeeId, from: date, to: through ?? date }],
  )
}

/** Ranges of one employee, in date order, of which none meets the next. */
function joined(ranges: readonly DateInterval[]): readonly DateInterval[] {
  const result: { from: IsoDate; to: IsoDate }[] = []
  for (const { from, to } of ranges.toSorted((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = result.at(-1)
    if (last && from <= last.to) last.to = to > last.to ? to : last.to
    else if (last && from === addDays(last.to, 1)) last.to = to
    else result.push({ from, to })
  }
  return result
}
