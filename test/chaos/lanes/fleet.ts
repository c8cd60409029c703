import { LEASE_MS } from '../../support/crash-host.ts'
import { HostProcess } from '../../support/crash-process.ts'
import type { WorkerOrders, WorkerReport } from '../../support/queue-worker.ts'
import type { Random } from '../random.ts'

type Worker = HostProcess<WorkerOrders, WorkerReport>

/** Worker processes that share the lanes of jobs, and that may be killed or frozen at any time. */
export class Fleet implements AsyncDisposable {
  kills = 0
  /** What workers wrote of errors that nobody caught. */
  readonly complaints: string[] = []
  readonly #orders: WorkerOrders
  readonly #workers: Worker[]
  readonly #thaws = new Map<Worker, { thaw(): void; readonly timer: NodeJS.Timeout }>()

  constructor(size: number, given: Pick<WorkerOrders, 'url' | 'redis' | 'blockMs'>) {
    this.#orders = { ...given, aheadMs: 0, leaseMs: LEASE_MS }
    this.#workers = Array.from({ length: size }, () => this.#start())
  }

  /** Kills one that is not frozen and starts another in its place. */
  async replaceOne(random: Random): Promise<void> {
    const awake = this.#workers.filter((worker) => !this.#thaws.has(worker))
    const worker = random.pick(awake)
    await this.#kill(worker)
    this.#workers[this.#workers.indexOf(worker)] = this.#start()
    this.kills += 1
  }

  /** Has one stand still for a while, with all that it holds. */
  freezeOne(random: Random, ms: number): void {
    const awake = this.#workers.filter((worker) => !this.#thaws.has(worker))
    if (awake.length < 2) return
    const worker = random.pick(awake)
    const thaw = worker.freeze()
    const timer = setTimeout(() => this.#thaw(worker), ms)
    this.#thaws.set(worker, { thaw, timer })
  }

  /** Nobody stands still any more. */
  async thaw(): Promise<void> {
    for (const worker of this.#thaws.keys()) this.#thaw(worker)
  }

  async end(): Promise<void> {
    await this.thaw()
    for (const worker of this.#workers.splice(0)) await this.#kill(worker)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  #thaw(worker: Worker): void {
    const frozen = this.#thaws.get(worker)
    if (!frozen) return
    clearTimeout(frozen.timer)
    this.#thaws.delete(worker)
    frozen.thaw()
  }

  #start(): Worker {
    const worker: Worker = new HostProcess('./queue-worker.ts')
    worker.order(this.#orders)
    return worker
  }

  async #kill(worker: Worker): Promise<void> {
    await worker.kill()
    if (worker.errors !== '') this.complaints.push(worker.errors)
  }
}
