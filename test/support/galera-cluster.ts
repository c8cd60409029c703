import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { until } from './crash-observers.ts'
import { type NodePlace, startFirstNode, startNode } from './galera-node.ts'
import { galeraProgram } from './galera-program.ts'
import { freePort, type PrivateServer } from './private-server.ts'

/** One server of a cluster in which each takes writes. */
export interface ClusterNode {
  /** Without a database; root has no password. */
  readonly url: string
  /** Hears nothing of the others any more, nor they of it, until {@link rejoin}. Alone it takes no writes. */
  isolate(): Promise<void>
  /** Resolves once it has what the others have. */
  rejoin(): Promise<void>
  /** Holds back what the others commit, until the returned function is called. */
  lag(): Promise<() => Promise<void>>
  /** Kills the server. */
  kill(): Promise<void>
  /** Starts it again; resolves once it has what the others have. */
  restart(): Promise<void>
}

/** A cluster of servers of its own. */
export interface Cluster {
  readonly nodes: readonly [ClusterNode, ClusterNode, ClusterNode]
  /** Statements after which a session sees all that was committed before on any node. */
  readonly catchUp: readonly string[]
  stop(): Promise<void>
}

const NAMES = ['one', 'two', 'three'] as const

/** Starts three MariaDBs that are one Galera cluster. They end, and their data goes, with this process at the latest. */
export async function startGalera(): Promise<Cluster> {
  const program = await galeraProgram()
  const shared = await mkdtemp(join(tmpdir(), 'recalc-galera-joining-'))
  const places: NodePlace[] = []
  for (const name of NAMES) {
    places.push({ name, port: await freePort(), missedPort: await freePort(), copyPort: await freePort() })
  }
  const servers: PrivateServer[] = []
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await rm(shared, { recursive: true, force: true })
  }
  try {
    const first = await startFirstNode(program, places, shared)
    servers.push(first)
    await GaleraNode.of(first).synced()
    await first.shutDown()
    // Shut down in order, the first one's data says how far it is; the others begin there.
    const original = join(shared, 'original')
    await cp(first.data, original, { recursive: true })
    await first.restart()
    await GaleraNode.of(first).synced()
    await rm(`${first.data}.first`)
    for (const place of places.slice(1)) servers.push(await startNode(program, place, places, { shared, original }))
    const [one, two, three] = servers.map((server) => GaleraNode.of(server)) as [GaleraNode, GaleraNode, GaleraNode]
    for (const node of [one, two, three]) await node.synced(servers.length)
    return { nodes: [one, two, three], catchUp: ['set statement wsrep_sync_wait = 1 for select 1'], stop }
  } catch (error) {
    await stop()
    throw error
  }
}

class GaleraNode implements ClusterNode {
  readonly url: string
  readonly #server: PrivateServer

  private constructor(server: PrivateServer) {
    this.#server = server
    this.url = `mysql://root@127.0.0.1:${server.port}`
  }

  static of(server: PrivateServer): GaleraNode {
    return new GaleraNode(server)
  }

  isolate(): Promise<void> {
    return this.#do(async (session) => {
      await session.query(`set global wsrep_provider_options = 'gmcast.isolate=1'`)
      await until('the node is alone', async () => (await statusOf(session)).wsrep_cluster_status !== 'Primary')
    })
  }

  async rejoin(): Promise<void> {
    await this.#do((session) => session.query(`set global wsrep_provider_options = 'gmcast.isolate=0'`))
    await this.synced()
  }

  async lag(): Promise<() => Promise<void>> {
    const session = await createConnection(this.url)
    await session.query('flush tables with read lock')
    return async () => {
      await session.query('unlock tables')
      await session.end()
    }
  }

  async kill(): Promise<void> {
    await this.#server.kill()
  }

  async restart(): Promise<void> {
    await this.#server.restart()
    await this.synced()
  }

  /** Resolves once the node has what the others have, in a cluster of at least so many. */
  async synced(least = 1): Promise<void> {
    await until('the node is in step with its cluster', async () => {
      const status = await this.#do(statusOf).catch(() => undefined)
      return status?.wsrep_local_state_comment === 'Synced' && Number(status.wsrep_cluster_size) >= least
    })
  }

  async #do<T>(work: (session: Connection) => Promise<T>): Promise<T> {
    const session = await createConnection(this.url)
    try {
      return await work(session)
    } finally {
      await session.end()
    }
  }
}

async function statusOf(session: Connection): Promise<Readonly<Record<string, string>>> {
  const [rows] = await session.query<RowDataPacket[]>(`show status like 'wsrep_%'`)
  return Object.fromEntries(rows.map((row) => [row.Variable_name, row.Value]))
}
