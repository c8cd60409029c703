import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { describe } from 'vitest'
import { until } from '../support/crash-observers.ts'
import type { Cluster, ClusterNode } from '../support/galera-cluster.ts'
import { clusterCases } from './cluster/cases.ts'

/**
 * Three members, with commas between their URLs, of a group of MySQL servers that all take writes. No package of Debian has such
 * servers, so without them nothing is proved here.
 */
const URLS = process.env.RECALC_TEST_MYSQL_GROUP?.split(',') ?? []
const ROUNDS = Number(process.env.RECALC_TEST_GALERA_ROUNDS ?? 8)

if (URLS.length !== 3) console.warn('Not run on Group Replication: RECALC_TEST_MYSQL_GROUP names no three servers')

describe.runIf(URLS.length === 3)('on three members of a group with several primaries', () => {
  const [one, two, three] = URLS.map(memberAt) as [ClusterNode, ClusterNode, ClusterNode]
  const catchUp = [`set session group_replication_consistency = 'BEFORE'`, 'start transaction read only', 'commit']
  const cluster: Cluster = { nodes: [one, two, three], catchUp, stop: async () => {} }

  // The servers are somebody else's: they can leave their group, but not be killed.
  clusterCases(() => cluster, ROUNDS, { canKill: false })
})

function memberAt(url: string): ClusterNode {
  const run = async (statement: string) => {
    const session = await createConnection(url)
    const [rows] = await session.query<RowDataPacket[]>(statement)
    await session.end()
    return rows
  }
  const refused = async () => {
    throw new Error('Expected a server of the tests’ own, this one is not')
  }
  return {
    url,
    isolate: async () => void (await run('stop group_replication')),
    async rejoin() {
      await run('start group_replication')
      await until('the member has joined', async () => {
        const rows = await run(`select member_state as state from performance_schema.replication_group_members
          where member_id = @@server_uuid`)
        return rows[0]?.state === 'ONLINE'
      })
    },
    async lag() {
      const session = await createConnection(url)
      await session.query('flush tables with read lock')
      return async () => {
        await session.query('unlock tables')
        await session.end()
      }
    },
    kill: refused,
    restart: refused,
  }
}
