import { join } from 'node:path'
import { mariadbProgram } from './mariadb-program.ts'
import { installData, serverOptions } from './private-mariadb.ts'
import { type PrivateServer, startPrivateServer } from './private-server.ts'

/** How a private server differs from the usual one. */
export interface MariadbOptions {
  /**
   * Commits survive the death of the server (not that of the machine). Default true; without it a server is faster, and
   * must not be killed.
   */
  readonly durable?: boolean
  /** More options of mariadbd, such as `--innodb-lock-wait-timeout=1`. */
  readonly settings?: readonly string[]
}

/** A MariaDB of its own; root has no password. */
export interface MariadbServer extends PrivateServer {
  readonly url: string
}

/** Starts a private MariaDB. It ends, and its data goes, with this process at the latest, however that one dies. */
export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const program = await mariadbProgram()
  const server = await startPrivateServer('mariadb', async (folder, port) => {
    const place = { folder, data: join(folder, 'data'), port }
    await installData(program, place)
    const settings = [
      ...serverOptions(place),
      '--max-allowed-packet=1M',
      '--innodb-buffer-pool-size=64M',
      '--innodb-log-file-size=64M',
      // 2: written when a transaction commits, 0: some time later.
      `--innodb-flush-log-at-trx-commit=${(options.durable ?? true) ? 2 : 0}`,
      ...(options.settings ?? []),
    ]
    return { name: 'MariaDB', file: program.server, options: settings, readyLine: 'ready for connections' }
  })
  return Object.assign(server, { url: `mysql://root@127.0.0.1:${server.port}` })
}
