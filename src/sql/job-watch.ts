import type { Clock, Timer } from '../calendar/clock.ts'
import { JobChanges } from '../jobs/job-changes.ts'
import type { Logger } from '../pipeline/context.ts'
import type { JobDatabase } from './job-database.ts'

/**
 * Notifies when something was stored for a job: at once when this process stored it, otherwise by looking again and again,
 * one statement for all jobs that somebody watches, and none when nobody does.
 */
export class JobWatch {
  readonly #database: JobDatabase
  readonly #clock: Clock
  readonly #pollMs: number
  readonly #logger: Pick<Logger, 'warn'>
  readonly #changes = new JobChanges()
  readonly #seen = new Map<string, string>()
  #timer: Timer | undefined
  #polling = false

  constructor(
    database: JobDatabase,
    options: { readonly clock: Clock; readonly pollMs: number; readonly logger: Pick<Logger, 'warn'> },
  ) {
    this.#database = database
    this.#clock = options.clock
    this.#pollMs = options.pollMs
    this.#logger = options.logger
  }

  add(jobId: string, listener: () => void): () => void {
    const mute = this.#changes.listen(jobId, listener)
    this.#schedulePoll()
    return () => {
      mute()
      const { jobIds } = this.#changes
      if (!jobIds.includes(jobId)) this.#seen.delete(jobId)
      if (jobIds.length > 0) return
      this.#timer?.cancel()
      this.#timer = undefined
    }
  }

  notify(jobId: string): void {
    this.#changes.emit(jobId)
  }

  #schedulePoll(): void {
    // One poll at a time: the next one is due `pollMs` after the last one has ended.
    if (this.#polling) return
    this.#timer ??= this.#clock.setTimeout(() => void this.#poll(), this.#pollMs)
  }

  async #poll(): Promise<void> {
    this.#timer = undefined
    this.#polling = true
    try {
      await this.#read()
    } catch (error) {
      this.#logger.warn({ err: error }, 'Watched jobs could not be read')
    }
    this.#polling = false
    if (this.#changes.jobIds.length > 0) this.#schedulePoll()
  }

  async #read(): Promise<void> {
    const { db, names } = this.#database
    const { jobIds } = this.#changes
    const rows = await db
      .selectFrom(names.jobs)
      .select(['id', 'last_seq', 'status', 'lease_token'])
      .where('id', 'in', jobIds)
      .execute()
    for (const { id, last_seq, status, lease_token } of rows) {
      if (!this.#changes.jobIds.includes(id)) continue
      const state = `${last_seq} ${status} ${lease_token}`
      const before = this.#seen.get(id)
      this.#seen.set(id, state)
      if (before !== state) this.notify(id)
    }
  }
}
