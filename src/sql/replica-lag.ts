import type { Kysely } from 'kysely'
import { InvalidOptionsError } from '../errors.ts'
import { expected } from '../expectation.ts'
import type { Throttle } from '../run/throttle.ts'
import { engineOf } from './engines/engine-of.ts'
import { recalcDb } from './tables.ts'

/**
 * A `throttle` that holds jobs up while a replica is behind its source by more than `aboveMs` milliseconds, or does not
 * replicate at all. MySQL and MariaDB tell whole seconds.
 *
 * @param replica A Kysely on the replica itself. Its user needs REPLICATION CLIENT on MySQL, REPLICA MONITOR on MariaDB.
 * @example
 * new RecalcService({ stages, employees, backend, throttle: replicaLag(replica, { aboveMs: 5_000 }) })
 * @throws {InvalidOptionsError} when `aboveMs` is no whole number from 0, or the database has no replicas.
 */
export function replicaLag<Database>(replica: Kysely<Database>, { aboveMs }: { readonly aboveMs: number }): Throttle {
  if (!Number.isSafeInteger(aboveMs) || aboveMs < 0) {
    throw new InvalidOptionsError(expected('aboveMs', 'a whole number from 0', aboveMs))
  }
  const db = recalcDb(replica as unknown as Kysely<never>) // which tables it has is of no interest here
  const { replicaLagMs } = engineOf(db)
  if (!replicaLagMs) {
    throw new InvalidOptionsError(expected('replica', 'a Kysely on MySQL, MariaDB or PostgreSQL', 'another one'))
  }
  return async () => ((await replicaLagMs(db)) > aboveMs ? 'replica lag' : null)
}
