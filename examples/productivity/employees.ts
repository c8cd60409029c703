import { dayBounds, type EmployeeQuery, type EmployeeRepository } from 'recalc-service'
import type { Database } from './tables.ts'

/**
 * "All" are those with a source or a derived row in the range, active or not. Each costs a look into each table's index by
 * employee, however many rows there are.
 *
 * The range needs no margin for night work: a day has a row only if a shift or an activity begins in it, or if an
 * activity belongs to a shift that does.
 */
export function employeeRepository(db: Database, zone: string): EmployeeRepository {
  return {
    async listEmployees({ after = '', limit, ...query }) {
      const page = withRows(db, zone, query).where('id', '>', after).orderBy('id').limit(limit)
      return page.select(['id', 'name']).execute()
    },

    async countEmployees(query) {
      const counted = withRows(db, zone, query).select(({ fn }) => fn.countAll().as('employees'))
      return Number((await counted.executeTakeFirstOrThrow()).employees)
    },
  }
}

function withRows(db: Database, zone: string, { from, to }: EmployeeQuery) {
  const start = dayBounds(from, zone).start.getTime()
  const end = dayBounds(to, zone).end.getTime()
  return db
    .selectFrom('employees')
    .where(({ or, exists, selectFrom }) =>
      or([
        exists(
          selectFrom('clock_times')
            .select('employee_id')
            .whereRef('employee_id', '=', 'employees.id')
            .where('clock_in', '>=', start)
            .where('clock_in', '<', end),
        ),
        exists(
          selectFrom('activity_logs')
            .select('employee_id')
            .whereRef('employee_id', '=', 'employees.id')
            .where('window_start', '>=', start)
            .where('window_start', '<', end),
        ),
        exists(
          selectFrom('daily_scores')
            .select('employee_id')
            .whereRef('employee_id', '=', 'employees.id')
            .where('score_date', '>=', from)
            .where('score_date', '<=', to),
        ),
        exists(
          selectFrom('idle_periods')
            .select('employee_id')
            .whereRef('employee_id', '=', 'employees.id')
            .where('work_date', '>=', from)
            .where('work_date', '<=', to),
        ),
      ]),
    )
}
