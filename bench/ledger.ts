import { startMariadb } from '../test/support/mariadb-server.ts'
import { benchCost } from './ledger/cost.ts'
import { benchSettling } from './ledger/settle.ts'

/** Memory for all of the data, and commits that survive the server's death. */
const SETTINGS = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=512M', '--max-allowed-packet=64M']

/** The change ledger against calculating by hand, and against itself where there is more of everything. */
export async function benchLedger(): Promise<void> {
  const server = await startMariadb({ settings: SETTINGS })
  try {
    await benchSettling(server)
    await benchCost(server)
  } finally {
    await server.stop()
  }
}
