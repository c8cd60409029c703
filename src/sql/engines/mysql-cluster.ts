import { sql } from 'kysely'
import type { Cluster, ClusterTrouble } from '../cluster/cluster.ts'
import type { RecalcDb } from '../tables.ts'
import { driverError } from './driver-error.ts'
import { checkPool } from './mysql-pool.ts'

const CONFLICTS: ReadonlySet<unknown> = new Set([
  1213, // ER_LOCK_DEADLOCK: so a node says that another one's transaction came first, at a statement or at the commit
  3101, // ER_TRANSACTION_ROLLBACK_DURING_COMMIT: so a member of a group does
])

const NOT_READY: ReadonlySet<unknown> = new Set([
  1047, // ER_UNKNOWN_COM_ERROR: a Galera node that has lost its cluster, or is joining it
  1205, // ER_LOCK_WAIT_TIMEOUT: also of a Galera node that has waited too long for what others have committed
  3100, // ER_RUN_HOOK_ERROR: group replication refuses to begin or to commit
  3796, // ER_GRP_TRX_CONSISTENCY_NOT_ALLOWED: a member of a group that is not with it
  3797, // ER_GRP_TRX_CONSISTENCY_BEFORE: a member that cannot catch up with its group
])

/** ER_ERROR_DURING_COMMIT, whose message says why. */
const ERROR_DURING_COMMIT = 1180

/**
 * What a cluster has to do with a commit that failed. HA_ERR_LOCK_DEADLOCK (149): another member's transaction came first. A
 * Galera node that lost its cluster cannot tell whether the others have the transaction.
 */
export function troubleOfCommit(error: unknown): ClusterTrouble | undefined {
  const { errno, message } = driverError(error)
  if (errno !== ERROR_DURING_COMMIT) return undefined
  if (/\b149\b/.test(String(message))) return 'conflict'
  return /not connected to primary component/i.test(String(message)) ? 'not ready' : undefined
}

/**
 * Asks the server by what every user may see; variables that it does not know are not listed.
 *
 * @throws {InvalidOptionsError} when the pool gives no rows that the library can read.
 */
export async function mysqlClusterOf(db: RecalcDb): Promise<Cluster | undefined> {
  const { rows } = await sql<Record<string, string>>`show variables where variable_name in
    ('version', 'wsrep_on', 'wsrep_provider', 'group_replication_single_primary_mode')`.execute(db)
  checkPool(rows)
  const variables = new Map(rows.map((row) => Object.values(row) as [string, string]))
  const provider = variables.get('wsrep_provider') ?? 'none'
  if (variables.get('wsrep_on') === 'ON' && provider !== 'none' && provider !== '') {
    return /mariadb/i.test(variables.get('version') ?? '') ? galera : galeraOfMysql
  }
  return variables.get('group_replication_single_primary_mode') === 'OFF' ? groupReplication : undefined
}

function troubleOf(error: unknown): ClusterTrouble | undefined {
  const { errno } = driverError(error)
  if (CONFLICTS.has(errno)) return 'conflict'
  return NOT_READY.has(errno) ? 'not ready' : troubleOfCommit(error)
}

/** Galera in MariaDB, which sets a variable for the length of one statement. */
const galera: Cluster = {
  name: 'Galera',
  async awaitOthers(session) {
    await sql`set statement wsrep_sync_wait = 1 for select 1`.execute(session)
  },
  troubleOf,
}

/** Galera in MySQL, as Percona XtraDB Cluster has it. */
const galeraOfMysql: Cluster = {
  name: 'Galera',
  awaitOthers: (session) => beginningWith(session, 'wsrep_sync_wait', sql`1`),
  troubleOf,
}

/** A group of MySQL servers that all take writes. */
const groupReplication: Cluster = {
  name: 'Group Replication',
  awaitOthers: (session) => beginningWith(session, 'group_replication_consistency', sql`'BEFORE'`),
  troubleOf,
}

/** Begins a transaction with another value of a session's variable, and ends it at once. The session has its own value again then. */
async function beginningWith(session: RecalcDb, variable: string, value: ReturnType<typeof sql>): Promise<void> {
  const name = sql.raw(`session ${variable}`)
  await sql`set @recalc_before = @@session.${sql.raw(variable)}, ${name} = ${value}`.execute(session)
  try {
    await sql`start transaction read only`.execute(session)
    await sql`commit`.execute(session)
  } finally {
    await sql`set ${name} = @recalc_before`.execute(session)
  }
}
