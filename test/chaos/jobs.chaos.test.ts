import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { HANGS_MS } from '../support/limits.ts'
import { playRound } from './round.ts'

/** CHAOS_ROUNDS=2000 for a long look; CHAOS_SEED=n CHAOS_ROUNDS=1 repeats the one that failed. */
const rounds = Number(process.env.CHAOS_ROUNDS ?? 150)
const first = Number(process.env.CHAOS_SEED ?? 1)

test(`${rounds} jobs with faults, crashes, cancels, takeovers and moving closings come to what a plain loop gives`, async () => {
  const failed: string[] = []
  const kinds = new Set<string>()
  let runs = 0
  let refused = 0
  for (let seed = first; seed < first + rounds; seed++) {
    try {
      const outcome = await inTime(playRound(seed))
      runs += outcome.runs
      refused += outcome.refused
      for (const kind of outcome.mishaps) kinds.add(kind)
    } catch (error) {
      const { stack, actual } = error as { readonly stack?: string; readonly actual?: unknown }
      const message = `${stack ?? String(error)}\ngot ${inspect(actual, { depth: 3 })}`
      failed.push(`CHAOS_SEED=${seed} CHAOS_ROUNDS=1 npx vitest run test/chaos\n${message}`)
      if (failed.length === MOST_FAILURES) break
    }
  }
  expect(failed.join('\n\n')).toBe('')
  // A look at jobs that nothing befalls would prove nothing.
  if (rounds < 100) return
  expect(kinds.size).toBe(7)
  expect(runs / rounds).toBeGreaterThan(1.5)
  expect(refused).toBeGreaterThan(rounds / 50)
}, 3_600_000)

const MOST_FAILURES = 5

async function inTime<T>(round: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('the round does not come to an end')), HANGS_MS)
  try {
    return await Promise.race([round, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
