import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pgbouncerProgram, postgresProgram, USER, unprivileged } from './postgres-program.ts'
import { type PrivateServer, startPrivateServer } from './private-server.ts'
import { execute } from './programs.ts'

/** A PostgreSQL of its own; `postgres` is its superuser and has no password. */
export interface PostgresServer extends PrivateServer {
  readonly url: string
}

/**
 * Starts a private PostgreSQL. It ends, and its data goes, with this process at the latest, however that one dies.
 *
 * @param options `replicaOf`: the server that it replicates. Default: none.
 */
export async function startPostgres(options: { readonly replicaOf?: string } = {}): Promise<PostgresServer> {
  const { replicaOf } = options
  const program = await postgresProgram()
  const server = await startPrivateServer('postgres', async (folder, port) => {
    const data = join(folder, 'data')
    await giveAway(folder)
    if (replicaOf) await execute(...unprivileged(program.backup, ['-D', data, '-R', '-d', replicaOf]))
    else await makeCluster(program.install, data)
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: 300,
      deadlock_timeout: '100ms',
      shared_buffers: '64MB',
      // What the machine's death would lose does not matter here.
      fsync: 'off',
      full_page_writes: 'off',
    }
    const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [file, command] = unprivileged(program.server, ['-D', data, ...given])
    return {
      name: 'PostgreSQL',
      file,
      options: command,
      // Connections, or read-only ones.
      readyLine: 'database system is ready to accept',
      // Its ways to end "fast" and "immediately": SIGTERM waits for clients, SIGKILL leaves the sessions' processes behind.
      shutDownSignal: 'SIGINT',
      killSignal: 'SIGQUIT',
    }
  })
  return Object.assign(server, { url: `postgres://postgres@127.0.0.1:${server.port}` })
}

/** Starts a private PgBouncer in front of a server, which gives a server connection to a client for one transaction only. */
export async function startPgbouncer(server: string): Promise<PostgresServer> {
  const program = await pgbouncerProgram()
  const { hostname, port: serverPort, username, password } = new URL(server)
  const pooler = await startPrivateServer('pgbouncer', async (folder, port) => {
    await writeFile(join(folder, 'users'), `"${username}" "${password}"\n`)
    const lines = [
      '[databases]',
      `* = host=${hostname} port=${serverPort}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = trust',
      `auth_file = ${join(folder, 'users')}`,
      'pool_mode = transaction',
      'default_pool_size = 4',
      'max_client_conn = 200',
      'ignore_startup_parameters = extra_float_digits',
    ]
    await writeFile(join(folder, 'pgbouncer.ini'), lines.join('\n'))
    await giveAway(folder)
    const [file, options] = unprivileged(program, [join(folder, 'pgbouncer.ini')])
    return { name: 'PgBouncer', file, options, readyLine: 'process up' }
  })
  return Object.assign(pooler, { url: `postgres://${username}@127.0.0.1:${pooler.port}` })
}

async function makeCluster(install: string, data: string): Promise<void> {
  const cluster = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync']
  await execute(...unprivileged(install, [`--pgdata=${data}`, ...cluster]))
}

async function giveAway(folder: string): Promise<void> {
  if (process.getuid?.() === 0) await execute('chown', ['-R', USER, folder])
}
