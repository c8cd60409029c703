import {
  type Block,
  dayStage,
  type Employee,
  type EmployeeDay,
  RecalcService,
  type RecalcServiceOptions,
  tenantStage,
} from '../../src/index.ts'

interface Behaviour extends Pick<Partial<RecalcServiceOptions>, 'concurrency' | 'block' | 'backend' | 'closedPeriods'> {
  readonly employees: readonly Employee[]
  /** What goes wrong on a day; undefined: nothing. */
  fails?(day: EmployeeDay): string | undefined
  /** Before a block is calculated: the place for a gate. */
  beforeBlock?(block: Block): Promise<void>
}

/**
 * A service whose rows nobody needs: balances that are carried from day to day, so that a failed day blocks those after it,
 * and a summary of the tenant.
 */
export function consoleService({ employees, fails, beforeBlock, ...options }: Behaviour): RecalcService {
  const sorted = [...employees].sort((a, b) => (a.id < b.id ? -1 : 1))
  return new RecalcService({
    progressIntervalMs: 0,
    retry: { attempts: 1 },
    ...options,
    employees: {
      listEmployees: async ({ after, limit }) =>
        sorted.filter(({ id }) => after === undefined || id > after).slice(0, limit),
      countEmployees: async () => sorted.length,
    },
    stages: [
      dayStage<number, null>({
        name: 'balances',
        title: 'Carrying balances forward',
        reads: { bookings: [0, 0], balances: [-1, 0] },
        writes: ['balances'],
        async load(block) {
          await beforeBlock?.(block)
          return null
        },
        calculate(day, _, previous) {
          const problem = fails?.(day)
          if (problem !== undefined) throw Object.assign(new Error(problem), { code: 'BAD_BOOKING' })
          return (previous ?? 0) + 1
        },
        stored: async () => new Map(),
        save: async () => {},
      }),
      tenantStage({
        name: 'summary',
        title: 'Summing up the tenant',
        reads: ['balances'],
        writes: ['summaries'],
        run: async () => {},
      }),
    ],
  })
}

/** `e0000` to as many as asked for, each with a name of its own. */
export function manyEmployees(count: number): readonly Employee[] {
  return Array.from({ length: count }, (_, index) => {
    const number = String(index).padStart(4, '0')
    return { id: `e${number}`, name: `Employee ${number}` }
  })
}
