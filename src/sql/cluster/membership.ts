import { InvalidOptionsError } from '../../errors.ts'
import type { Logger } from '../../pipeline/context.ts'
import { messageOf } from '../../run/failure.ts'
import type { Engine } from '../engines/engine.ts'
import type { RecalcDb } from '../tables.ts'
import type { Cluster } from './cluster.ts'

/** Whether the server belongs to a cluster of several writers: asked for once, before the first transaction, and by `migrate()`. */
export class Membership {
  readonly #engine: Engine
  readonly #logger: Pick<Logger, 'warn'>
  #cluster: Cluster | undefined
  #isKnown: boolean

  constructor(engine: Engine, logger: Pick<Logger, 'warn'> = { warn() {} }) {
    this.#engine = engine
    this.#logger = logger
    this.#isKnown = engine.clusterOf === undefined
  }

  /** True once {@link cluster} is what the server has said. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** The cluster; undefined for a single server. */
  get cluster(): Cluster | undefined {
    return this.#cluster
  }

  /**
   * Asks the server.
   *
   * @param db What it is asked through; within a transaction that transaction, which may hold the pool's only connection.
   * @throws {InvalidOptionsError} when nothing that the server says can be read.
   */
  async ask(db: RecalcDb): Promise<Cluster | undefined> {
    try {
      this.#cluster = await this.#engine.clusterOf?.(db)
    } catch (error) {
      if (error instanceof InvalidOptionsError || this.#engine.isTransient(error)) throw error
      this.#logger.warn({ err: error }, `Taken for a single server, as it does not say otherwise: ${messageOf(error)}`)
      this.#cluster = undefined
    }
    this.#isKnown = true
    return this.#cluster
  }
}
