import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

// The server, and my_print_defaults, without which mariadb-install-db does not run. Neither holds a service.
const PACKAGES = ['mariadb-server-core', 'mariadb-client-core']

/** Where the programs are that make and run a server. */
export interface MariadbProgram {
  readonly server: string
  readonly install: string
}

/**
 * MariaDB's programs as they are installed; root on Debian or Ubuntu gets them installed. The packages hold no
 * service: nothing but what is started by hand ever runs.
 *
 * @throws {Error} that says what to install or to set.
 */
export async function mariadbProgram(): Promise<MariadbProgram> {
  const present = find()
  if (present) return present
  if (process.getuid?.() === 0 && which('apt-get')) {
    await apt('update')
    await apt('install', '--yes', '--no-install-recommends', ...PACKAGES)
  }
  const installed = find()
  if (installed) return installed
  throw new Error(
    `Expected mariadbd and mariadb-install-db on the PATH, found none. Install MariaDB 10.6 or later (Debian, Ubuntu: ` +
      `apt-get install ${PACKAGES.join(' ')}; Homebrew: brew install mariadb), or set RECALC_TEST_MYSQL_URL to a MySQL 8 or MariaDB ` +
      'server on which tests may make and drop databases, such as mysql://root@127.0.0.1:3306',
  )
}

function find(): MariadbProgram | undefined {
  const server = which('mariadbd')
  const install = which('mariadb-install-db')
  return server && install && which('my_print_defaults') ? { server, install } : undefined
}

function which(name: string): string | undefined {
  // Servers are kept where only root's PATH looks.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/libexec']
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function apt(...command: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Another test run may be installing the same.
  await execute('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...command], env)
}

/** Runs a program to its end. @throws {Error} with what it printed, when it fails. */
export async function execute(
  program: string,
  options: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const child = spawn(program, options, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += String(chunk)))
  const code = await new Promise<number | string | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve(status ?? signal))
  })
  if (code !== 0) throw new Error(`Expected ${program} to succeed, it ended with ${code}:\n${printed.slice(-4_000)}`)
}
