import { type Kysely, MysqlAdapter, PostgresAdapter } from 'kysely'

/** MariaDB speaks MySQL's dialect. */
export type Engine = 'mysql' | 'postgres' | 'sqlite'

/** A database or a transaction, of whatever tables. */
export type AnyDatabase = Pick<Kysely<unknown>, 'getExecutor'>

export function engineOf(db: AnyDatabase): Engine {
  const { adapter } = db.getExecutor()
  if (adapter instanceof MysqlAdapter) return 'mysql'
  return adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite'
}
