import { PrismaPg } from '@prisma/adapter-pg'
import type { Kysely } from 'kysely'
import { kyselyOn, sqlUnitOfWork } from 'recalc-service/sql'
import type { Host } from './balances.ts'
import { Prisma, PrismaClient } from './prisma/generated/client.ts'

/** `db` is a Kysely on the same database, for the library's own work beside the host's transactions. */
export function prismaHost(url: string, db: Kysely<unknown>): Host<Prisma.TransactionClient> {
  const host = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
  const { isTransient } = sqlUnitOfWork(db)
  return {
    unitOfWork: {
      // Always the `tx` of a function: `$transaction([...])` takes another connection, and would commit by itself.
      run: (work) =>
        host.$transaction(work, {
          isolationLevel: 'ReadCommitted',
          maxWait: 60_000, // for a connection; the default is 2 s
          timeout: 600_000, // of the whole transaction; the default is 5 s, and waiting for locks counts
        }),
      isTransient(error) {
        if (!(error instanceof Prisma.PrismaClientKnownRequestError)) {
          // What a killed connection gives may carry no code.
          return error instanceof Error && error.message.includes('Connection terminated')
        }
        // No server, no connection in time, transaction closed, deadlock; or what the driver threw, far inside.
        const adapterError = error.meta?.driverAdapterError
        return (
          ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034'].includes(error.code) ||
          (adapterError instanceof Error && isTransient(adapterError.cause))
        )
      },
    },
    executorOf: (tx) =>
      kyselyOn(db, async (sql, parameters) => {
        // One gives rows, the other their number. `$queryRaw` cannot read `void`: a lock function needs a cast to text.
        if (/^\s*select\b/i.test(sql)) return { rows: await tx.$queryRawUnsafe<unknown[]>(sql, ...parameters) }
        return { rows: [], numAffectedRows: await tx.$executeRawUnsafe(sql, ...parameters) }
      }),
    queries: {
      bookings: (tx, { employeeIds, from, to }) =>
        tx.booking.findMany({ where: { employeeId: { in: [...employeeIds] }, date: { gte: from, lte: to } } }),
      balances: (tx, { employeeIds, from, to }) =>
        tx.balance.findMany({ where: { employeeId: { in: [...employeeIds] }, date: { gte: from, lte: to } } }),
      async saveBalances(tx, rows) {
        // Prisma has no upsert of many rows; unlike a loop of upserts this is one statement for a block.
        const values = rows.map(
          ({ employeeId, date, minutes }) => Prisma.sql`(${employeeId}, ${date}, ${minutes}::int)`,
        )
        await tx.$executeRaw`insert into balances (employee_id, date, minutes) values ${Prisma.join(values)}
          on conflict (employee_id, date) do update set minutes = excluded.minutes`
      },
      saveBooking: (tx, row) =>
        tx.booking.upsert({
          where: { employeeId_date: { employeeId: row.employeeId, date: row.date } },
          create: row,
          update: { minutes: row.minutes },
        }),
    },
    close: () => host.$disconnect(),
  }
}
