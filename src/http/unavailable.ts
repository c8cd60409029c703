/**
 * Codes of a database that cannot be reached, goes down, or is too busy at the moment: of the system, mysql2, MySQL and
 * SQLite. What a backend does not say in the library's own words comes from its driver as it is.
 */
const CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOST(DOWN|UNREACH)|ENETUNREACH|ENOTFOUND|EAI_AGAIN|PROTOCOL_(CONNECTION_LOST|SEQUENCE_TIMEOUT)|ER_(CON_COUNT_ERROR|SERVER_SHUTDOWN|NORMAL_SHUTDOWN|CONNECTION_KILLED|LOCK_DEADLOCK|LOCK_WAIT_TIMEOUT)|SQLITE_(BUSY|LOCKED)(_\w+)?)$/

/** SQLITE_BUSY and SQLITE_LOCKED, as node:sqlite tells them. */
const SQLITE_ERRCODES = [5, 6]

/** True when what was thrown says that the database is away or busy, so that the same request may succeed later. */
export function isUnavailable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, errcode, fatal } = error as { code?: unknown; errcode?: unknown; fatal?: unknown } // looked at only
  if (typeof code === 'string' && CODES.test(code)) return true
  if (typeof errcode === 'number' && SQLITE_ERRCODES.includes(errcode & 0xff)) return true
  // mysql2 marks what it cannot go on after, such as a command on a connection that was closed under it.
  return fatal === true && code === undefined
}
