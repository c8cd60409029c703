/** Any number that hosts do not use for advisory locks of their own. */
const TURN = 512_091_726

/**
 * Wakes whoever listens on a channel once the transaction has committed; to be selected.
 *
 * While a transaction with a notification commits, no other such one does, in the whole server: hundreds of writers would
 * queue up for the disk one by one. So one of eight transactions at a time notifies. The rest wake nobody, and need not:
 * whoever is woken looks several times.
 */
export function wakeExpression(channel: string): string {
  return `case when pg_try_advisory_xact_lock(${TURN}, pg_backend_pid() & 7) then pg_notify('${channel}', '') end`
}
