import type { DatabaseConnection, Driver } from 'kysely'

/** A driver whose only connection is that of an open transaction, which is begun and ended elsewhere. */
export function driverOn(connection: DatabaseConnection): Driver {
  const nothing = async () => {}
  return {
    init: nothing,
    acquireConnection: async () => connection,
    beginTransaction: nothing,
    commitTransaction: nothing,
    rollbackTransaction: nothing,
    releaseConnection: nothing,
    destroy: nothing,
  }
}
