import type { EmployeeDay } from 'recalc-service'
import { grouped } from '../grouped.ts'

/** Rows, or days, per statement: some thousand bound values, below every engine's limit (SQLite's is 32,766). */
const PER_STATEMENT = 500

/** The members in groups that one statement may carry. */
export function batches<T>(members: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(members.length / PER_STATEMENT)
  return Array.from({ length: count }, (_, index) => members.slice(index * PER_STATEMENT, (index + 1) * PER_STATEMENT))
}

/** Some dates of one employee. */
export interface EmployeeDates {
  readonly employeeId: string
  readonly dates: readonly string[]
}

/** Days in groups that one statement may carry, gathered by employee: `employee_id = … and work_date in (…)`. */
export function datesByEmployee(days: readonly EmployeeDay[]): readonly (readonly EmployeeDates[])[] {
  return batches(days).map((batch) =>
    [...grouped(batch, ({ employeeId }) => employeeId)].map(([employeeId, own]) => ({
      employeeId,
      dates: own.map(({ date }) => date),
    })),
  )
}
