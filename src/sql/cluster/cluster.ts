import type { RecalcDb } from '../tables.ts'

/**
 * A cluster of several writers. Each node has the changes of the others a moment later, and knows nothing of their locks: of two
 * transactions that change one row on two nodes, the one that commits later is rolled back.
 */
export interface Cluster {
  readonly name: string
  /**
   * Waits until the session sees all that was committed before, on whichever node. It leaves the session as it was, and is called
   * outside of a transaction only.
   */
  awaitOthers(session: RecalcDb): Promise<void>
  /** What the cluster has to do with an error; undefined: nothing. */
  troubleOf(error: unknown): ClusterTrouble | undefined
}

/**
 * `conflict`: another node's transaction came first, and nothing of this one is left. `not ready`: the node is without its cluster,
 * or is behind it for too long.
 */
export type ClusterTrouble = 'conflict' | 'not ready'
