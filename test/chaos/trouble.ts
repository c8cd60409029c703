import { type Point, rowKey, TransientError } from '../support/database.ts'
import { TENANT } from '../support/service.ts'
import type { Random } from './random.ts'

export type Mishap = 'cancel' | 'stop' | 'give up' | 'crash' | 'closings' | 'takeover' | 'trigger'

/** Calls of the job store that may fail, or of which the answer may be lost. */
export const STORE_WRITES: readonly string[] = ['append', 'openLanes', 'splitLane']

/** What goes wrong in one run: at some moments, with some days, and by chance. */
export interface Trouble {
  readonly mishaps: readonly { readonly moment: number; readonly kind: Mishap }[]
  /** Throws where it goes wrong. */
  strike(point: Point): void
  compare(): void
  losesAnswer(): boolean
  store(name: string, call: () => unknown): Promise<unknown>
}

/** @param days The keys of all employee-days of the round. */
export function randomTrouble(random: Random, days: readonly string[], canTrigger: boolean): Trouble {
  const kinds: readonly Mishap[] = [
    ...(['cancel', 'stop', 'give up', 'crash', 'closings', 'closings', 'takeover'] as const),
    ...(canTrigger ? (['trigger'] as const) : []),
  ]
  const mishaps = Array.from({ length: random.between(0, 3) }, () => ({
    moment: random.between(0, 40),
    kind: random.pick(kinds),
  }))
  const bad = days.filter(() => random.chance(0.06))
  const badPoint = random.pick(['load', 'stored', 'calculate', 'save'] as const)
  const rate = random.pick([0, 0.01, 0.03])
  const transientRate = random.pick([0, 0.02, 0.06])
  const lostRate = random.pick([0, 0, 0.1])
  const storeRate = random.pick([0, 0, 0.02])
  return {
    mishaps,
    strike: ({ name, block, days: own }: Point) => {
      if (random.chance(transientRate)) throw new TransientError(`deadlock in ${name}`)
      if (name !== 'commit' && name !== 'begin' && name !== 'lock' && random.chance(rate)) throw hostError(random)
      if (name !== badPoint) return
      const keys = block
        ? block.employeeIds.flatMap((id) =>
            block.dates.map((date) => rowKey({ tenantId: TENANT, employeeId: id, date })),
          )
        : (own ?? []).map(rowKey)
      if (keys.some((key) => bad.includes(key))) throw hostError(random)
    },
    compare: () => {
      if (random.chance(rate)) throw hostError(random)
    },
    losesAnswer: () => random.chance(lostRate),
    store: async (name: string, call: () => unknown) => {
      if (random.chance(storeRate)) throw new TransientError(`the store is away for ${name}`)
      const answer = await call()
      if (random.chance(storeRate)) throw new TransientError(`the answer of ${name} was lost`)
      return answer
    },
  }
}

/** Whatever a host's code may throw, errors that look like the database's or the library's own included. */
function hostError(random: Random): unknown {
  const error = new Error('no such rule')
  return random.pick([
    error,
    Object.assign(new Error('another system is away'), { code: 'ECONNRESET' }),
    Object.assign(new Error('not ours'), { code: 'LEASE_LOST', name: 'LeaseLostError' }),
    'a text',
    undefined,
  ])
}
