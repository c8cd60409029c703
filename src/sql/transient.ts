import type { Engine } from './engine.ts'

interface DriverError {
  readonly code?: unknown
  readonly errno?: unknown
  readonly errcode?: unknown
  readonly sqlState?: unknown
  readonly fatal?: unknown
  readonly message?: unknown
}

/**
 * True when the same unit of work may well succeed the next time: by error number, by SQLSTATE (08 is a broken
 * connection, 40 a rolled back transaction), or because the driver gave its connection up.
 */
export function isTransientError(engine: Engine, error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, errno, errcode, sqlState, fatal, message } = error as DriverError
  if (typeof errno === 'number' && engine.lastingNumbers.has(errno)) return false
  if (typeof errno === 'number' && engine.transientNumbers.has(errno)) return true
  if (typeof errcode === 'number' && engine.transientNumbers.has(errcode & 0xff)) return true
  if (typeof code === 'string' && isTransientCode(engine, code)) return true
  if (typeof sqlState === 'string') return sqlState.startsWith('08') || sqlState.startsWith('40')
  if (code === undefined && typeof message === 'string' && engine.transientMessages.has(message)) return true
  // mysql2 marks what it cannot go on after, such as a command on a connection that was closed under it.
  return engine.name === 'mysql' && fatal === true && code === undefined
}

function isTransientCode(engine: Engine, code: string): boolean {
  if (engine.transientCodes.has(code)) return true
  // Extended codes such as SQLITE_BUSY_SNAPSHOT.
  return [...engine.transientCodes].some((known) => known.startsWith('SQLITE_') && code.startsWith(`${known}_`))
}
