import type { Workload } from './workload.ts'

/** Employees per round of statements: their rows fit into the memory for sorting. */
const EMPLOYEES = 50

/** Whose rows a round of statements is about. */
export interface EmployeeRange {
  readonly first: string
  readonly last: string
}

/** A server's own SQL, and a connection to send it on. */
export interface SetBasedSql {
  connect(url: string): Promise<{ query(statement: string): Promise<unknown>; end(): Promise<unknown> }>
  prepareSession(workload: Workload): readonly string[]
  statementsFor(workload: Workload, range: EmployeeRange): readonly string[]
}

/** Scores and idle periods without a line of code that sees a row: SQL over all rows of some employees, range by range. */
export function setBased({ connect, prepareSession, statementsFor }: SetBasedSql) {
  return async (workload: Workload, connections: number): Promise<void> => {
    const ranges = rangesOf(workload.employeeIds)
    async function work(): Promise<void> {
      const session = await connect(workload.url)
      try {
        for (const statement of prepareSession(workload)) await session.query(statement)
        for (let range = ranges.shift(); range; range = ranges.shift()) {
          for (const statement of statementsFor(workload, range)) await session.query(statement)
        }
      } finally {
        await session.end()
      }
    }
    await Promise.all(Array.from({ length: connections }, work))
  }
}

function rangesOf(employeeIds: readonly string[]): EmployeeRange[] {
  return Array.from({ length: Math.ceil(employeeIds.length / EMPLOYEES) }, (_, number) => {
    const own = employeeIds.slice(number * EMPLOYEES, (number + 1) * EMPLOYEES)
    return { first: own[0] ?? '', last: own.at(-1) ?? '' }
  })
}
