import { PrismaPg } from '@prisma/adapter-pg'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type HostTransactions, kyselyOn, sqlUnitOfWork } from 'recalc-service/sql'
import { Prisma, PrismaClient } from './generated/client.ts'

export type Tx = Prisma.TransactionClient

/** Prisma for the application; on the same database a Kysely for what the library does beside your transactions. */
export function openDatabase(connectionString: string) {
  // Four units of work are open at once by default, in Prisma's pool; the rest is for requests.
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 10 }) })
  const pool = new pg.Pool({ connectionString, max: 5 })
  // A connection that breaks must not end the process: the pool tells of idle ones, each client of itself.
  pool.on('error', console.error)
  pool.on('connect', (client) => client.on('error', console.error))
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  return { prisma, db, close: async () => void (await Promise.all([prisma.$disconnect(), db.destroy()])) }
}

/** How the library opens your transactions, and how it writes its own rows in them. */
export function prismaTransactions(prisma: PrismaClient, db: Kysely<unknown>): HostTransactions<unknown, Tx> {
  const { isTransient } = sqlUnitOfWork(db)
  return {
    unitOfWork: {
      run: (work) =>
        prisma.$transaction(work, {
          isolationLevel: 'ReadCommitted',
          maxWait: 60_000, // for a connection; the default is 2 s
          timeout: 600_000, // of the whole transaction; the default is 5 s, and waiting for locks counts
        }),
      isTransient(error) {
        if (!(error instanceof Prisma.PrismaClientKnownRequestError)) {
          return error instanceof Error && error.message.includes('Connection terminated')
        }
        // No server, no connection in time, transaction closed, deadlock; or what the driver threw, far inside.
        const { driverAdapterError } = error.meta ?? {}
        return (
          ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034'].includes(error.code) ||
          (driverAdapterError instanceof Error && isTransient(driverAdapterError.cause))
        )
      },
    },
    executorOf: (tx) =>
      kyselyOn(db, async (sql, parameters) => {
        if (/^\s*select\b/i.test(sql)) return { rows: await tx.$queryRawUnsafe<unknown[]>(sql, ...parameters) }
        return { rows: [], numAffectedRows: await tx.$executeRawUnsafe(sql, ...parameters) }
      }),
  }
}

/** Prisma gives a DATE as midnight in UTC, and takes it so; the library's dates are `YYYY-MM-DD`. */
export const toDate = (date: string) => new Date(`${date}T00:00:00Z`)
export const isoDate = (date: Date) => date.toISOString().slice(0, 10)
