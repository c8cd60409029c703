import type { Kysely } from 'kysely'
import { type ClosedPeriods, parseIsoDate, periodOf, RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { balances } from './balances.ts'
import { isoDate, prismaTransactions, type Tx, toDate } from './database.ts'
import type { PrismaClient } from './generated/client.ts'
import { months } from './months.ts'

/** Days of closed months are never touched. It is asked in the transaction that would write them. */
const closedMonths: ClosedPeriods<Tx> = {
  async closed({ tenantId, employeeIds, from, to }, tx) {
    const firstMonth = periodOf('month', from).from // a month may have begun before `from`
    const rows = await tx.closedMonth.findMany({
      where: { tenantId, employeeId: { in: [...employeeIds] }, month: { gte: toDate(firstMonth), lte: toDate(to) } },
    })
    return Map.groupBy(
      rows.map(({ employeeId, month }) => ({
        employeeId,
        ...periodOf('month', parseIsoDate(isoDate(month), 'month')),
      })),
      ({ employeeId }) => employeeId,
    )
  },
}

/** The service of this process. `migrate` makes its tables: run it once, when you deploy. */
export function openRecalc(prisma: PrismaClient, db: Kysely<unknown>) {
  const backend = sqlBackend(db, prismaTransactions(prisma, db))
  const recalc = new RecalcService({
    backend,
    stages: [balances, months],
    closedPeriods: closedMonths,
    zone: 'Europe/Berlin',
    employees: {
      // Everybody who is employed on one of the days, ascending by id.
      listEmployees: ({ tenantId, from, to, after = '', limit }) =>
        prisma.employee.findMany({
          select: { id: true, name: true },
          where: {
            tenantId,
            hiredOn: { lte: toDate(to) },
            OR: [{ leftOn: null }, { leftOn: { gte: toDate(from) } }],
            id: { gt: after },
          },
          orderBy: { id: 'asc' },
          take: limit,
        }),
    },
    logger: console,
  })
  return { backend, recalc }
}
