import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages, which } from './programs.ts'

// Debian keeps the programs of each version in a folder of its own, which is on no PATH.
const DEBIAN = '/usr/lib/postgresql'

/** Where the programs are that make and run a server. */
export interface PostgresProgram {
  readonly server: string
  readonly install: string
  /** Copies a running server. */
  readonly backup: string
}

/**
 * PostgreSQL's programs as they are installed; root on Debian or Ubuntu gets them installed.
 *
 * @throws {Error} that says what to install or to set.
 */
export async function postgresProgram(): Promise<PostgresProgram> {
  const present = find()
  if (present) return present
  await installPackages(['postgresql'])
  const installed = find()
  if (installed) return installed
  throw new Error(
    'Expected postgres and initdb on the PATH, found none. Install PostgreSQL 14 or later (Debian, Ubuntu: apt-get install ' +
      'postgresql; Homebrew: brew install postgresql), or set RECALC_TEST_POSTGRES_URL to a server on which tests may make ' +
      'and drop databases, such as postgres://postgres@127.0.0.1:5432',
  )
}

/** PgBouncer's program. @throws {Error} that says what to install. */
export async function pgbouncerProgram(): Promise<string> {
  if (!which('pgbouncer')) await installPackages(['pgbouncer'])
  const program = which('pgbouncer')
  if (program) return program
  throw new Error('Expected pgbouncer on the PATH, found none. Install it (Debian, Ubuntu: apt-get install pgbouncer)')
}

function find(): PostgresProgram | undefined {
  const folders = versions().map((version) => join(DEBIAN, version, 'bin'))
  const server = which('postgres', folders)
  const install = which('initdb', folders)
  const backup = which('pg_basebackup', folders)
  return server && install && backup ? { server, install, backup } : undefined
}

/** The newest first. */
function versions(): readonly string[] {
  try {
    return readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a))
  } catch {
    return [] // not Debian
  }
}

/** A command as the user that servers run as: PostgreSQL and PgBouncer refuse to be root. */
export function unprivileged(program: string, options: readonly string[]): readonly [string, readonly string[]] {
  if (process.getuid?.() !== 0) return [program, options]
  return ['setpriv', [`--reuid=${USER}`, '--regid=nogroup', '--clear-groups', program, ...options]]
}

/** The user whose files the servers' are, when it is not ours. */
export const USER = 'nobody'
