import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Place } from './office.ts'

/** Worker processes, and what may befall them. */
export class Fleet {
  readonly #workers: ChildProcess[]

  constructor(size: number, { database, redis }: Place) {
    const file = fileURLToPath(new URL('worker.ts', import.meta.url))
    this.#workers = Array.from({ length: size }, () =>
      spawn(process.execPath, [file, database, redis], { stdio: 'inherit' }),
    )
  }

  /** As a machine does whose power is gone. @returns the process's id. */
  killOne(): number | undefined {
    const victim = this.#workers.shift()
    victim?.kill('SIGKILL')
    return victim?.pid
  }

  /** As a machine does that is put to sleep for a while. @returns the process's id. */
  stallOne(ms: number): number | undefined {
    const sleeper = this.#workers.at(-1)
    sleeper?.kill('SIGSTOP')
    setTimeout(() => sleeper?.kill('SIGCONT'), ms)
    return sleeper?.pid
  }

  /** Lets everybody finish the block that is in hand. */
  async stop(): Promise<void> {
    for (const worker of this.#workers.splice(0)) {
      if (worker.exitCode !== null || worker.signalCode !== null) continue
      const closed = once(worker, 'close')
      worker.kill('SIGCONT')
      worker.kill('SIGTERM')
      await closed
    }
  }
}
