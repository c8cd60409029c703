import { InvalidOptionsError } from '../errors.ts'
import type { ChangeLedger } from './change-ledger.ts'

const refuse = async (): Promise<never> => {
  throw new InvalidOptionsError('Expected `backend.changes` to be a ledger of changes: this backend has none')
}

/** Stands for the ledger of a backend without one: what needs a ledger is refused, and there is nothing to settle. */
export const noLedger: ChangeLedger<never> = {
  note: refuse,
  read: async () => [],
  readWaiting: async () => [],
  update: refuse,
  hasDue: async () => false,
  nextTenant: async () => undefined,
  waiting: async () => [],
  parked: async () => [],
  dueAmong: async () => [],
  release: refuse,
  state: refuse,
  list: refuse,
}
