import type { JobStore } from '../../src/backend.ts'
import {
  type Clock,
  type RecalcBackend,
  RecalcService,
  type RecalcServiceOptions,
  systemClock,
} from '../../src/index.ts'
import type { Connection, Database, Probe, Transaction } from './database.ts'

/** A process with a service in it, which can die. */
export interface Process {
  readonly service: RecalcService<Transaction>
  readonly connection: Connection
  /** Dies here and now: nothing that it has begun goes on, and what it had not committed is gone. */
  kill(): void
}

/** A process of its own on a shared database and a shared job store. */
export function startProcess(
  database: Database,
  jobs: JobStore<unknown>,
  options: Omit<RecalcServiceOptions<Transaction>, 'backend'>,
  probe: Probe = () => {},
): Process {
  let dead = false
  const never = new Promise<never>(() => {})
  const connection = database.connect((point) => {
    if (!dead) return probe(point)
    if (point.name !== 'calculate') return never
  })
  const store = new Proxy(jobs, {
    get(target, name: keyof JobStore) {
      const method = target[name] as (...args: unknown[]) => unknown
      return (...args: unknown[]) => (dead ? never : method.apply(target, args))
    },
  })
  const backend: RecalcBackend<Transaction> = { unitOfWork: connection, jobs: store }
  return {
    service: new RecalcService<Transaction>({ ...options, backend } as RecalcServiceOptions<Transaction>),
    connection,
    kill() {
      dead = true
      connection.kill()
    },
  }
}

/** The machine's clock, ahead by `ms`. */
export function clockAhead(ms: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + ms }
}
