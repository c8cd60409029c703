import type { Kysely, Transaction } from 'kysely'
import type { Clock, RecalcBackend } from 'recalc-service'
import type { LaneStore } from 'recalc-service/backend'
import { sqlBackend } from 'recalc-service/sql'
import { Interruption, type Tables, TablesTx } from '../../changes/support/tables.ts'

/** A transaction of SQLite, and one of tables in memory that commits with it. */
class TablesAndSqlTx extends TablesTx {
  readonly sql: Transaction<object>

  constructor(tables: Tables, sql: Transaction<object>) {
    super(tables.rows)
    this.sql = sql
  }
}

/**
 * Jobs and lanes in SQLite, and derived rows in memory. SQLite does one transaction after the other, so whoever reads these rows
 * within one sees what was committed.
 *
 * @param onCommit May throw: both are rolled back.
 */
export function sqliteWithTables(
  kysely: Kysely<object>,
  tables: Tables,
  clock: Clock,
  onCommit: () => void,
): RecalcBackend<TablesTx> {
  const { unitOfWork, jobs, lanes } = sqlBackend(kysely, { clock }) as RecalcBackend<Transaction<object>> & {
    readonly lanes: LaneStore<Transaction<object>> // every SQL backend has one
  }
  return {
    unitOfWork: {
      run: (work, unit) =>
        unitOfWork.run(async (sql) => {
          const tx = new TablesAndSqlTx(tables, sql)
          const result = await work(tx)
          onCommit()
          // Nothing but the commit of SQLite follows, which does not fail.
          tx.commit()
          return result
        }, unit),
      lockEmployees: (tx, tenantId, ids) => unitOfWork.lockEmployees(sqlOf(tx), tenantId, ids),
      isTransient: (error) => error instanceof Interruption || unitOfWork.isTransient(error),
    },
    jobs: { ...bound(jobs), saveStep: (tx, lease, step) => jobs.saveStep(sqlOf(tx), lease, step) },
    lanes: { ...bound(lanes), save: (tx, claim, step) => lanes.save(sqlOf(tx), claim, step) },
  }
}

function sqlOf(tx: TablesTx): Transaction<object> {
  if (!(tx instanceof TablesAndSqlTx)) throw new Error('Expected a transaction of SQLite and of tables')
  return tx.sql
}

/** A store's methods as own ones, of which those that take a transaction are replaced. */
function bound<Store extends object>(store: Store): Store {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(store)) as (keyof Store)[]
  return Object.fromEntries(
    methods.map((name) => {
      const member = store[name]
      return [name, typeof member === 'function' ? member.bind(store) : member]
    }),
  ) as Store // of all its methods
}
