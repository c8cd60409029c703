import type { Kysely } from 'kysely'
import { kyselyOn, sqlUnitOfWork } from 'recalc-service/sql'
import {
  Between,
  DataSource,
  type EntityManager,
  EntitySchema,
  In,
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
} from 'typeorm'
import type { DayMinutes, Host } from './balances.ts'

const entity = (name: string) =>
  new EntitySchema<DayMinutes>({
    name,
    columns: {
      employeeId: { name: 'employee_id', type: 'text', primary: true },
      date: { type: 'text', primary: true },
      minutes: { type: 'int' },
    },
  })
const bookings = entity('bookings')
const balances = entity('balances')
const KEY = ['employeeId', 'date']

/** `db` is a Kysely on the same database, for the library's own work beside the host's transactions. */
export async function typeormHost(url: string, db: Kysely<unknown>): Promise<Host<EntityManager>> {
  const host = await new DataSource({
    type: 'postgres',
    url,
    entities: [bookings, balances],
    poolErrorHandler: () => {},
  }).initialize()
  const { isTransient } = sqlUnitOfWork(db)
  return {
    unitOfWork: {
      run: (work) => host.transaction('READ COMMITTED', work),
      // TypeORM keeps what the driver threw under a name of its own, and releases a runner whose connection was killed.
      isTransient: (error) =>
        error instanceof QueryRunnerAlreadyReleasedError ||
        (error instanceof QueryFailedError && isTransient(error.driverError)),
    },
    executorOf: (tx) =>
      kyselyOn(db, async (sql, parameters) => {
        // Of the manager's own `query` the shape depends on the statement; this one always tells how many rows were written.
        const result = await tx.queryRunner?.query(sql, [...parameters], true)
        if (!result) throw new Error('Expected a manager within a transaction, got one without a query runner')
        return { rows: result.records, numAffectedRows: result.affected ?? 0 }
      }),
    queries: {
      bookings: (tx, { employeeIds, from, to }) =>
        tx.findBy(bookings, { employeeId: In([...employeeIds]), date: Between<string>(from, to) }),
      balances: (tx, { employeeIds, from, to }) =>
        tx.findBy(balances, { employeeId: In([...employeeIds]), date: Between<string>(from, to) }),
      saveBalances: (tx, rows) => tx.upsert(balances, [...rows], KEY),
      saveBooking: (tx, row) => tx.upsert(bookings, row, KEY),
    },
    close: () => host.destroy(),
  }
}
