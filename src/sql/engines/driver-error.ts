/** What drivers put into their errors. */
export interface DriverError {
  /** A name such as `ER_LOCK_DEADLOCK` or `ECONNRESET`; in PostgreSQL the SQLSTATE. */
  readonly code?: unknown
  readonly errno?: unknown
  readonly errcode?: unknown
  readonly sqlState?: unknown
  readonly fatal?: unknown
  readonly severity?: unknown
  readonly message?: unknown
}

/** An error as a driver's. Nothing is known of what was thrown, so each field is looked at before it is used. */
export function driverError(error: unknown): DriverError {
  return typeof error === 'object' && error !== null ? error : {}
}

/** Codes of the operating system for a server that cannot be reached, or not any more. */
export const NETWORK_CODES: ReadonlySet<unknown> = new Set([
  'EADDRNOTAVAIL', // every local port is in use
  'EAI_AGAIN', // the name server is busy
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND', // the name is gone for a while, as when a cluster moves it to another server
  'EPIPE',
  'ETIMEDOUT',
])
