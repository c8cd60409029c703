import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Work } from './stages.ts'

/** What a worker process took. */
export interface WorkerMemory {
  readonly idleMb: number
  /** In each quarter of the time. */
  readonly peaksMb: readonly number[]
}

/** What workers do, and where. */
export interface WorkersOptions {
  readonly url: string
  readonly redis: string
  readonly work: Work
  readonly employees: number
  /** Lanes of each process at once. */
  readonly lanes: number
}

interface Child {
  readonly process: ChildProcess
  readonly lines: AsyncIterator<string>
}

/** Worker processes that share the lanes of jobs. */
export class Workers {
  readonly #children: readonly Child[]

  private constructor(children: readonly Child[]) {
    this.#children = children
  }

  /** Resolves when all of them take lanes. */
  static async start(count: number, { url, redis, work, employees, lanes }: WorkersOptions): Promise<Workers> {
    const file = fileURLToPath(new URL('worker-child.ts', import.meta.url))
    const args = [file, url, redis, work, String(employees), String(lanes)]
    const children = Array.from({ length: count }, (): Child => {
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      return { process: child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
    })
    for (const { lines } of children) await lines.next()
    return new Workers(children)
  }

  async stop(): Promise<readonly WorkerMemory[]> {
    const taken: WorkerMemory[] = []
    for (const { process: child, lines } of this.#children) {
      const ended = once(child, 'close')
      child.stdin?.end()
      taken.push(JSON.parse((await lines.next()).value ?? '') as WorkerMemory)
      await ended
    }
    return taken
  }
}
