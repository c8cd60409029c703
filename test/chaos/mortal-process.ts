import type { JobStore } from '../../src/backend.ts'
import type { RecalcService, UnitOfWork } from '../../src/index.ts'
import { type Connection, type Transaction, TransientError } from '../support/database.ts'
import type { Office } from './office.ts'
import { calculatorOf } from './pipeline.ts'
import { type Mishap, STORE_WRITES, type Trouble } from './trouble.ts'

/** A process with a service that may die at any moment. */
export interface MortalProcess {
  readonly service: RecalcService<Transaction>
  readonly died: Promise<undefined>
  kill(): void
}

const never = new Promise<never>(() => {})

/** @param happen Called at the moment of each mishap of `trouble`. */
export function startProcess(
  office: Office,
  trouble: Trouble | undefined,
  happen: (kind: Mishap, to: MortalProcess) => void,
): MortalProcess {
  let isDead = false
  const death = Promise.withResolvers<undefined>()
  let moment = 0
  /** Transactions that the database has ended, and the error. */
  const ended = new Map<Transaction, unknown>()
  const connection = office.database.connect((point) => {
    if (isDead) return point.name === 'calculate' ? undefined : never
    const over = ended.get(point.tx)
    if (over !== undefined && point.name !== 'commit') throw over
    for (const mishap of trouble?.mishaps ?? []) {
      if (mishap.moment === moment) happen(mishap.kind, mortal)
    }
    moment += 1
    if (isDead) return point.name === 'calculate' ? undefined : never
    if (point.name === 'commit') office.database.misuse.push(...office.closings.brokenBy(point.tx))
    try {
      trouble?.strike(point)
    } catch (error) {
      if (office.tellsFailures && error instanceof TransientError) ended.set(point.tx, error)
      throw error
    }
  })
  const hooks = {
    compare: () => trouble?.compare(),
    swallows: (tx: Transaction) => ended.has(tx) && office.random.chance(0.5),
  }
  const units = unitsOf(office, connection, ended, () => trouble?.losesAnswer() ?? false)
  const store = storeOf(office.jobs, trouble, () => isDead)
  const mortal: MortalProcess = {
    service: office.service(units, calculatorOf(office.pipeline, hooks), store),
    died: death.promise,
    kill: () => {
      isDead = true
      connection.kill()
      death.resolve(undefined)
    },
  }
  return mortal
}

/** The job store, of which some writes fail, or their answers are lost; a dead process gets no answer. */
function storeOf(jobs: JobStore<unknown>, trouble: Trouble | undefined, isDead: () => boolean): JobStore<unknown> {
  return new Proxy(jobs, {
    get: (target, name: keyof JobStore) => {
      const method = target[name] as (...args: unknown[]) => unknown
      return (...args: unknown[]) => {
        if (isDead()) return never
        const call = () => method.apply(target, args)
        return trouble && STORE_WRITES.includes(name) ? trouble.store(name, call) : call()
      }
    },
  })
}

/** Units of work that lose the answers of some commits, and see to it that there are never more than `concurrency`. */
function unitsOf(
  { concurrency, database, closings, tellsFailures }: Office,
  connection: Connection,
  ended: ReadonlyMap<Transaction, unknown>,
  losesAnswer: () => boolean,
): UnitOfWork<Transaction> {
  let open = 0
  return {
    run: async (work) => {
      open += 1
      if (open > concurrency) database.misuse.push(`${open} units of work at once`)
      try {
        let own: Transaction | undefined
        const answer = await connection.run(async (tx) => {
          own = tx
          const result = await work(tx)
          if (ended.has(tx)) throw ended.get(tx)
          return result
        })
        closings.committed(own)
        if (losesAnswer()) throw new TransientError('the answer of the commit was lost')
        return answer
      } finally {
        open -= 1
      }
    },
    lockEmployees: (tx, tenantId, employeeIds) => connection.lockEmployees(tx, tenantId, employeeIds),
    isTransient: (error) => connection.isTransient(error),
    ...(tellsFailures && { failureOf: (tx: Transaction) => ended.get(tx) }),
  }
}
