import { sql } from 'kysely'
import { systemClock } from '../../calendar/clock.ts'
import { sleep } from '../../run/units/backoff.ts'
import { bytesOf, statements } from '../statements.ts'
import type { RecalcDb, TableNames } from '../tables.ts'
import type { Turn } from './turn.ts'

/** How often somebody looks whether a row is free again. */
const LOOK_MS = 20

const neverAborts = new AbortController().signal

/** The server's clock, in milliseconds since 1970: that of a process may be a test's. */
const NOW = sql<number>`cast(unix_timestamp(current_timestamp(3)) * 1000 as signed)`

/**
 * Reserves the rows of a turn that has lost to others, so that nodes which see it let this one go first. All of them or none:
 * nobody waits for somebody else's rows while others wait for his.
 *
 * @returns false when some are reserved by another.
 */
export async function reserve(tx: RecalcDb, { locks }: TableNames, turn: Turn, forMs: number): Promise<boolean> {
  const groups = groupsOf(turn.hashes)
  for (const group of groups) {
    const found = await tx
      .selectFrom(locks)
      .select('lock_hash')
      .where('lock_hash', 'in', group)
      .where('reserved_until', '>', NOW)
      .where('reserved_by', '<>', turn.id)
      .limit(1)
      .executeTakeFirst()
    if (found) return false
  }
  for (const group of groups) {
    const rows = group.map((lock_hash) => ({
      lock_hash,
      taken: 1,
      reserved_by: turn.id,
      reserved_until: sql<number>`${NOW} + ${forMs}`,
    }))
    await tx
      .insertInto(locks)
      .values(rows)
      .onDuplicateKeyUpdate({
        taken: sql`taken + 1`,
        reserved_by: sql`values(reserved_by)`,
        reserved_until: sql`values(reserved_until)`,
      })
      .execute()
  }
  return true
}

/** Gives back what is reserved for a turn that has given up. */
export async function unreserve(tx: RecalcDb, { locks }: TableNames, turn: Turn): Promise<void> {
  for (const group of groupsOf(turn.hashes)) {
    await tx
      .updateTable(locks)
      .set({ reserved_until: 0 })
      .where('lock_hash', 'in', group)
      .where('reserved_by', '=', turn.id)
      .execute()
  }
}

/** Waits until none of the rows is reserved by another, but no longer than the reservations last that it meets first. */
export async function awaitReserved(
  db: RecalcDb,
  { locks }: TableNames,
  hashes: readonly string[],
  turn: Turn | undefined,
): Promise<void> {
  const started = performance.now()
  let longest = Number.POSITIVE_INFINITY
  for (;;) {
    const reserved = await db
      .selectFrom(locks)
      .select(({ fn }) => fn.max(sql<number>`reserved_until - ${NOW}`).as('left'))
      .where('lock_hash', 'in', hashes)
      .where('reserved_until', '>', NOW)
      .where('reserved_by', '<>', turn?.id ?? '')
      .executeTakeFirst()
    const left = Number(reserved?.left ?? 0)
    longest = Math.min(longest, left)
    if (left <= 0 || performance.now() - started > longest) return
    await sleep(systemClock, LOOK_MS, neverAborts)
  }
}

function groupsOf(hashes: ReadonlySet<string>): readonly (readonly string[])[] {
  return [...statements([...hashes].sort(), bytesOf)]
}
