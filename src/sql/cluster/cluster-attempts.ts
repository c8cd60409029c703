import { systemClock } from '../../calendar/clock.ts'
import { backoffMs, sleep } from '../../run/units/backoff.ts'
import type { Cluster, ClusterTrouble } from './cluster.ts'
import { beginTurn, Turn } from './turn.ts'

/**
 * Attempts that only a cluster needs, so that the caller's are left for a server that stays away. A conflict is over as soon as
 * the other has committed; a node that looks for its cluster takes some seconds.
 */
const RETRY: Readonly<Record<ClusterTrouble, { attempts: number; minDelayMs: number; maxDelayMs: number }>> = {
  conflict: { attempts: 40, minDelayMs: 5, maxDelayMs: 250 },
  'not ready': { attempts: 8, minDelayMs: 50, maxDelayMs: 500 },
}

/** Who has lost so often has its rows reserved. */
const PATIENT = 2

/** How long rows stay reserved: long enough for an attempt of which only a part is known, and not for ever. */
const RESERVED_MS = { least: 1_000, most: 60_000, timesLongestAttempt: 4 }

const neverAborts = new AbortController().signal

/** Transactions on a cluster. */
export interface ClusterTransactions<Tx extends object> {
  /** One attempt in one transaction, begun with a session that has seen what others have committed. */
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** What ended a transaction, which may be hidden in what was thrown. */
  causeOf(tx: Tx | undefined, thrown: unknown): unknown
  /** Reserves the rows of a turn for a while. */
  reserve(turn: Turn, forMs: number): Promise<void>
  /** Gives them back. */
  unreserve(turn: Turn): Promise<void>
}

/**
 * Does `work` in a transaction, again after each conflict with another node. Who loses again and again, because its work takes
 * longer than the pause between two others, has its rows reserved: nobody starves.
 *
 * @throws what the last attempt threw.
 */
export async function withClusterAttempts<Tx extends object, T>(
  cluster: Cluster,
  transactions: ClusterTransactions<Tx>,
  work: (tx: Tx) => Promise<T>,
  signal: AbortSignal = neverAborts,
): Promise<T> {
  const turn = new Turn()
  const failed = { conflict: 0, 'not ready': 0 }
  let longestMs = 0
  for (;;) {
    const attempt: { tx?: Tx; isCommitting: boolean } = { isCommitting: false }
    const started = performance.now()
    try {
      return await transactions.run(async (tx) => {
        attempt.tx = tx
        beginTurn(tx, turn)
        const value = await work(tx)
        attempt.isCommitting = true
        return value
      })
    } catch (thrown) {
      const trouble = cluster.troubleOf(transactions.causeOf(attempt.tx, thrown))
      if (trouble) failed[trouble] += 1
      // A node that lost its cluster while it committed cannot tell whether it did.
      const mayBeDone = attempt.isCommitting && trouble !== 'conflict'
      if (!trouble || mayBeDone || signal.aborted || failed[trouble] >= RETRY[trouble].attempts) {
        if (turn.hasReserved) await transactions.unreserve(turn)
        throw thrown
      }
      longestMs = Math.max(longestMs, performance.now() - started)
      if (trouble === 'conflict' && failed.conflict >= PATIENT && turn.hashes.size > 0) {
        const wantedMs = RESERVED_MS.least + RESERVED_MS.timesLongestAttempt * longestMs
        await transactions.reserve(turn, Math.round(Math.min(RESERVED_MS.most, wantedMs)))
      }
      const pauseMs = turn.hasReserved ? RETRY.conflict.minDelayMs : backoffMs(RETRY[trouble], failed[trouble])
      await sleep(systemClock, pauseMs, signal)
    }
  }
}
