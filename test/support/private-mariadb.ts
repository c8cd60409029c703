import { join } from 'node:path'
import type { MariadbProgram } from './mariadb-program.ts'
import { execute } from './programs.ts'

/** Where a private MariaDB keeps everything, and where it listens. */
export interface MariadbPlace {
  readonly folder: string
  readonly data: string
  readonly port: number
}

/** Makes the system tables; root has no password. */
export async function installData({ install }: Pick<MariadbProgram, 'install'>, place: MariadbPlace): Promise<void> {
  const system = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve', '--force']
  await execute(install, [...own(place), ...system])
}

/** Options of mariadbd that every private server has. */
export function serverOptions(place: MariadbPlace): readonly string[] {
  const { folder, port } = place
  return [
    ...own(place),
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--skip-log-bin',
    // What the machine's death would lose does not matter here.
    '--debug-no-sync',
    '--max-connections=300',
  ]
}

/** Nothing of the machine's own MariaDB. Two installations in one temporary folder would take each other's tables away. */
function own({ folder, data }: MariadbPlace): readonly string[] {
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  return ['--no-defaults', ...user, `--datadir=${data}`, `--tmpdir=${folder}`]
}
