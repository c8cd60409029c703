import { existsSync } from 'node:fs'
import { type MariadbProgram, mariadbProgram } from './mariadb-program.ts'
import { installPackages } from './programs.ts'

const PACKAGE = 'galera-4'

const LIBRARIES = [
  '/usr/lib/galera/libgalera_smm.so',
  '/usr/lib64/galera-4/libgalera_smm.so',
  '/usr/lib/libgalera_smm.so',
]

/** MariaDB's programs, and the library that makes clusters of its servers. */
export interface GaleraProgram extends MariadbProgram {
  readonly library: string
}

/**
 * MariaDB and Galera as they are installed; root on Debian or Ubuntu gets them installed. The package holds a library only.
 *
 * @throws {Error} that says what to install.
 */
export async function galeraProgram(): Promise<GaleraProgram> {
  const program = await mariadbProgram()
  const present = LIBRARIES.find((file) => existsSync(file))
  if (present) return { ...program, library: present }
  await installPackages([PACKAGE])
  const library = LIBRARIES.find((file) => existsSync(file))
  if (library) return { ...program, library }
  throw new Error(
    `Expected Galera's library at ${LIBRARIES[0]}, found none. Install Galera 4 (Debian, Ubuntu: apt-get install ${PACKAGE})`,
  )
}
