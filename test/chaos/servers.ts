import { startMariadb } from '../support/mariadb-server.ts'
import { startPostgres } from '../support/postgres-server.ts'
import type { PrivateServer } from '../support/private-server.ts'

/** A server that a test may kill. */
export interface Server extends PrivateServer {
  readonly url: string
}

/** A process that is dead, or frozen, keeps its locks until the server has given up: nobody waits for them any longer than this. */
const IMPATIENT = ['--innodb-lock-wait-timeout=1']

export const servers: readonly { readonly name: string; start(): Promise<Server> }[] = [
  { name: 'MariaDB', start: () => startMariadb({ settings: IMPATIENT }) },
  { name: 'PostgreSQL', start: () => startPostgres() },
]
