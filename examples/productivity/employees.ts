import { dayBounds, type EmployeeQuery, type EmployeeRepository } from 'recalc-service'
import type { Database } from './schema/tables.ts'

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
  return db.selectFrom('employees').where(({ or, exists, selectFrom }) => {
    const scored = selectFrom('daily_scores').where('score_date', '>=', from).where('score_date', '<=', to)
    const derived = (['idle_periods', 'alerts', 'employee_hourly_costs'] as const).map((table) =>
      selectFrom(table)
        .select('employee_id')
        .whereRef('employee_id', '=', 'employees.id')
        .where('work_date', '>=', from)
        .where('work_date', '<=', to),
    )
    const clocked = selectFrom('clock_times').where('clock_in', '>=', start).where('clock_in', '<', end)
    const logged = selectFrom('activity_logs').where('window_start', '>=', start).where('window_start', '<', end)
    return or([
      exists(clocked.select('employee_id').whereRef('employee_id', '=', 'employees.id')),
      exists(logged.select('employee_id').whereRef('employee_id', '=', 'employees.id')),
      exists(scored.select('employee_id').whereRef('employee_id', '=', 'employees.id')),
      ...derived.map((rows) => exists(rows)),
    ])
  })
}
