import {
  type Block,
  dayKey,
  dayStage,
  type Employee,
  type EmployeeDay,
  memoryBackend,
  RecalcService,
  tenantStage,
  type UnitOfWork,
} from '../../src/index.ts'

interface Pay {
  readonly minutes: number
  readonly pay: number
  readonly note: string
}

interface PaidOptions {
  readonly employees: readonly Employee[]
  /** In the tenant acme: nobody's days are closed elsewhere. */
  readonly closedThrough?: string
  /** What goes wrong on a day; undefined: nothing. */
  fails?(day: EmployeeDay): string | undefined
  /** Before a block is calculated: the place for a gate. */
  beforeBlock?(block: Block): Promise<void>
}

/**
 * A service that pays eight hours a day at the present rate, and keeps that in transactions: so it can be previewed, and
 * owes something for closed days once the rate has changed.
 */
export async function paidService({ employees, closedThrough, fails, beforeBlock }: PaidOptions) {
  const rows = new Map<string, Pay>()
  const present = { rate: 20, isClosed: false }
  const sorted = [...employees].sort((a, b) => (a.id < b.id ? -1 : 1))
  const unitOfWork: UnitOfWork<Map<string, Pay | null>> = {
    async run(work) {
      const written = new Map<string, Pay | null>()
      const result = await work(written)
      for (const [key, pay] of written) pay ? rows.set(key, pay) : rows.delete(key)
      return result
    },
    lockEmployees: async () => {},
    isTransient: () => false,
  }
  const keyOf = (day: EmployeeDay) => `${day.tenantId} ${dayKey(day)}`
  const service = new RecalcService<Map<string, Pay | null>>({
    backend: memoryBackend({ unitOfWork }),
    retry: { attempts: 1 },
    progressIntervalMs: 0,
    employees: {
      listEmployees: async ({ after, limit }) =>
        sorted.filter(({ id }) => after === undefined || id > after).slice(0, limit),
      countEmployees: async () => sorted.length,
    },
    closedPeriods: {
      closedThrough: async ({ tenantId, employeeIds }) =>
        new Map(
          present.isClosed && closedThrough !== undefined && tenantId === 'acme'
            ? employeeIds.map((id) => [id, closedThrough])
            : [],
        ),
    },
    stages: [
      dayStage<Pay, null, Map<string, Pay | null>>({
        name: 'pay',
        title: 'Paying the hours',
        reads: { bookings: [0, 0] },
        writes: ['pay'],
        async load(block) {
          await beforeBlock?.(block)
          return null
        },
        calculate(day) {
          const problem = fails?.(day)
          if (problem !== undefined) throw Object.assign(new Error(problem), { code: 'BAD_BOOKING' })
          return { minutes: 480, pay: 8 * present.rate, note: `at ${present.rate}` }
        },
        async stored({ tenantId, employeeIds, dates }) {
          const days = employeeIds.flatMap((employeeId) => dates.map((date) => ({ tenantId, employeeId, date })))
          return new Map(
            days.flatMap((day) => {
              const pay = rows.get(keyOf(day))
              return pay ? [[dayKey(day), pay] as const] : []
            }),
          )
        },
        async save({ upserts, deletes }, { tx }) {
          for (const { day, value } of upserts) tx.set(keyOf(day), value)
          for (const day of deletes) tx.set(keyOf(day), null)
        },
      }),
      tenantStage({ name: 'summary', title: 'Summing up', reads: ['pay'], writes: ['summaries'], run: async () => {} }),
    ],
  })
  return { service, rows, present }
}
