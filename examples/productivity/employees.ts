import type { Kysely } from 'kysely'
import { addDays, dayBounds, type EmployeeQuery, type EmployeeRepository } from 'recalc-service'
import type { Database, Tables } from './schema/tables.ts'

interface Employee {
  readonly id: string
  readonly name: string
}

/** Employees per page when all of them are counted. */
const PAGE = 500

/**
 * "All" are those with a source or a derived row in the range, active or not.
 *
 * The range needs no margin for night work: a day has a row only if a shift or an activity begins in it, or if an
 * activity belongs to a shift that does.
 */
export function employeeRepository(db: Database, zone: string): EmployeeRepository {
  return {
    async listEmployees({ after = '', limit, ...query }) {
      const listed: Employee[] = []
      for await (const found of pagesWithRows(db, zone, query, after, limit)) {
        listed.push(...found)
        if (listed.length >= limit) break
      }
      return listed.slice(0, limit)
    },

    async countEmployees(query) {
      let count = 0
      for await (const found of pagesWithRows(db, zone, query, '', PAGE)) count += found.length
      return count
    },
  }
}

/** Of each page of employees those with a row in the range. */
async function* pagesWithRows(
  db: Database,
  zone: string,
  query: EmployeeQuery,
  after: string,
  size: number,
): AsyncGenerator<readonly Employee[], void> {
  for (let last = after; ; ) {
    const employees = db.selectFrom('employees').select(['id', 'name']).where('id', '>', last).orderBy('id').limit(size)
    const page = await employees.execute()
    const ids = page.map(({ id }) => id)
    const found = await idsWithRows(db, zone, query, ids)
    yield page.filter(({ id }) => found.has(id))
    const end = page.at(-1)
    if (!end || page.length < size) return
    last = end.id
  }
}

/**
 * Asks one table after the other, each only for whom none before it has a row, and the big one last. As `exists` in one
 * statement this would be shorter, but with `exists` MySQL and MariaDB find the employee by the index and not the days,
 * so they read what somebody did in all those years; or they first put the range's rows of everybody into a temporary table.
 */
async function idsWithRows(
  db: Database,
  zone: string,
  { from, to }: EmployeeQuery,
  employeeIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const start = dayBounds(from, zone).start.getTime()
  const end = dayBounds(to, zone).end.getTime()
  const dates = { from, below: addDays(to, 1) }
  const inRange = [
    { table: 'clock_times', column: 'clock_in', from: start, below: end },
    { table: 'daily_scores', column: 'score_date', ...dates },
    { table: 'employee_hourly_costs', column: 'work_date', ...dates },
    { table: 'idle_periods', column: 'work_date', ...dates },
    { table: 'alerts', column: 'work_date', ...dates },
    { table: 'activity_logs', column: 'window_start', from: start, below: end },
  ] as const
  // Kysely cannot tell that each column belongs to the table beside it.
  const anyTable = db as unknown as Kysely<Record<keyof Tables, Record<string, string | number>>>
  const found = new Set<string>()
  for (const { table, column, from: first, below } of inRange) {
    const others = employeeIds.filter((id) => !found.has(id))
    if (others.length === 0) break
    const rows = anyTable.selectFrom(table).select('employee_id').distinct().where('employee_id', 'in', others)
    for (const row of await rows.where(column, '>=', first).where(column, '<', below).execute()) {
      found.add(String(row.employee_id))
    }
  }
  return found
}
