import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where a program is, if it is installed: on the PATH, or in further folders. */
export function which(name: string, further: readonly string[] = []): string | undefined {
  // Servers are kept where only root's PATH looks.
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/libexec',
    ...further,
  ]
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

/** Installs Debian's packages when that is possible here: as root, with apt-get. */
export async function installPackages(names: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0 || !which('apt-get')) return
  await apt('update')
  await apt('install', '--yes', '--no-install-recommends', ...names)
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

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function apt(...command: readonly string[]): Promise<void> {
  // No questions, and no service started: RUNLEVEL 1 is that of a machine on which none runs.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  // Another test run may be installing the same.
  await execute('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...command], env)
}
