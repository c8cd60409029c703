import type { UnitOfWork } from '../../src/index.ts'
import { Database, type Transaction, TransientError } from './database.ts'

/** Units of work that can tell when the database has ended them, and that see who gives them up. */
export interface OwnTransactions extends UnitOfWork<Transaction> {
  readonly database: Database
  /** Ends a transaction: whatever follows in it is refused with the same error, and it is never committed. */
  end(tx: Transaction, error?: unknown): never
  readonly abandoned: Transaction[]
  readonly commits: number
}

export function ownTransactions(
  options: { readonly beforeCommit?: () => unknown; readonly database?: Database } = {},
): OwnTransactions {
  const { database = new Database(), beforeCommit } = options
  const connection = database.connect()
  const ended = new Map<Transaction, { readonly error: unknown }>()
  const abandoned: Transaction[] = []
  let commits = 0
  return {
    database,
    abandoned,
    get commits() {
      return commits
    },
    end(tx, error = new TransientError('deadlock')) {
      ended.set(tx, { error })
      throw error
    },
    run: async (work, unit) => {
      const result = await connection.run(async (tx) => {
        unit?.signal.addEventListener('abort', () => {
          abandoned.push(tx)
          tx.killed = true // its connection is closed: it is rolled back, and its locks are free
          database.unlock(tx)
        })
        const own = await work(tx)
        await beforeCommit?.()
        const over = ended.get(tx)
        if (over) throw over.error // as the contract says, also when `work` swallowed it
        return own
      })
      commits += 1
      return result
    },
    lockEmployees: (tx, tenantId, employeeIds) => connection.lockEmployees(tx, tenantId, employeeIds),
    isTransient: (error) => connection.isTransient(error) || (error as { code?: unknown })?.code === 'ECONNRESET',
    failureOf: (tx) => ended.get(tx)?.error,
  }
}
