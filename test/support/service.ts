import {
  type ClosedPeriods,
  type Employee,
  type EmployeeRepository,
  memoryBackend,
  type RecalcBackend,
  RecalcService,
  type RecalcServiceOptions,
} from '../../src/index.ts'
import { type Connection, Database, type Probe, rowKey, type Transaction } from './database.ts'

export const TENANT = 'acme'

type Options = Partial<Omit<RecalcServiceOptions<Transaction>, 'dailyCalc' | 'stages' | 'backend' | 'employees'>>

/** A service on a {@link Database}, with whatever a test wants to be special about it. */
export interface World {
  readonly database: Database
  readonly connection: Connection
  readonly backend: RecalcBackend<Transaction>
  readonly service: RecalcService<Transaction>
}

/** Retries without waiting, so that no test does. */
const atOnce = { attempts: 3, minDelayMs: 0, maxDelayMs: 0 } as const

export function world(
  calculator: Pick<RecalcServiceOptions<Transaction>, 'dailyCalc' | 'stages'>,
  options: Options & {
    readonly employees?: readonly string[] | EmployeeRepository
    readonly database?: Database
    readonly probe?: Probe
  } = {},
): World {
  const { employees = [], database = new Database(), probe, ...rest } = options
  const connection = database.connect(probe)
  const backend = memoryBackend({ unitOfWork: connection })
  const service = new RecalcService<Transaction>({
    retry: atOnce,
    progressIntervalMs: 0,
    ...rest,
    ...calculator,
    backend,
    employees: isIds(employees) ? employeeList(employees) : employees,
  } as RecalcServiceOptions<Transaction>)
  return { database, connection, backend, service }
}

/** An employee repository over a list of ids, with every call that was made to it. */
export function employeeList(ids: readonly string[]): EmployeeRepository & {
  readonly calls: { readonly after?: string; readonly limit: number }[]
} {
  const sorted = [...ids].sort()
  const calls: { readonly after?: string; readonly limit: number }[] = []
  return {
    calls,
    async listEmployees({ after, limit }): Promise<readonly Employee[]> {
      calls.push({ limit, ...(after !== undefined && { after }) })
      return sorted
        .filter((id) => after === undefined || id > after)
        .slice(0, limit)
        .map((id) => ({ id, name: `Employee ${id}` }))
    },
    countEmployees: async () => sorted.length,
  }
}

/** Closed periods from an object of employee ids and dates; asks the database's probe, too. */
export function closedThrough(closed: Readonly<Record<string, string>>): ClosedPeriods<Transaction> {
  return {
    async closedThrough({ employeeIds }, tx) {
      await tx.point({ name: 'closed' })
      return new Map(employeeIds.flatMap((id) => (closed[id] === undefined ? [] : [[id, closed[id]] as const])))
    },
  }
}

/** Puts a number into a table for each date of one employee, from `from` on; `null` leaves a date out. */
export function fill(
  database: Database,
  table: string,
  employeeId: string,
  values: Readonly<Record<string, number>>,
): void {
  for (const [date, value] of Object.entries(values)) {
    database.edit(table, rowKey({ tenantId: TENANT, employeeId, date }), value)
  }
}

/** The key of a row of the tests' tenant. */
export function key(employeeId: string, date: string): string {
  return rowKey({ tenantId: TENANT, employeeId, date })
}

function isIds(employees: readonly string[] | EmployeeRepository): employees is readonly string[] {
  return Array.isArray(employees)
}
