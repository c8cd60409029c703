import { installPackages, which } from './programs.ts'

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
  await installPackages(PACKAGES)
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
