import type { EmployeeRepository } from 'recalc-service'
import type { Database } from './schema/tables.ts'

/** "All" are everybody: who has left may still have rows that no source supports any more. */
export function employeeRepository(db: Database): EmployeeRepository {
  return {
    async listEmployees({ after = '', limit }) {
      return db
        .selectFrom('employees')
        .select(['id', 'name'])
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .execute()
    },
    async countEmployees() {
      const { count } = await db
        .selectFrom('employees')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow()
      return Number(count)
    },
  }
}
