import { type Block, type DayKey, dayKey, dayStage } from 'recalc-service'
import type { HostTransactions } from 'recalc-service/sql'

/** A row of `bookings` or of `balances`. */
export interface DayMinutes {
  readonly employeeId: string
  readonly date: string
  readonly minutes: number
}

/** The host's own queries. */
export interface BalanceQueries<Tx> {
  bookings(tx: Tx, block: Block): Promise<readonly DayMinutes[]>
  balances(tx: Tx, block: Block): Promise<readonly DayMinutes[]>
  /** Inserts or replaces. */
  saveBalances(tx: Tx, rows: readonly DayMinutes[]): Promise<unknown>
  /** An edit of the host's own. */
  saveBooking(tx: Tx, row: DayMinutes): Promise<unknown>
}

/** What each of the hosts here brings: its transactions, and its queries in them. */
export interface Host<Tx extends object> extends HostTransactions<unknown, Tx> {
  readonly queries: BalanceQueries<Tx>
  close(): Promise<unknown>
}

/** Each day's balance is that of the day before and what was worked. */
export function balancesStage<Tx>(queries: BalanceQueries<Tx>) {
  return dayStage<number, ReadonlyMap<DayKey, number>, Tx>({
    name: 'balances',
    reads: { bookings: [0, 0], balances: [-1, 0] },
    writes: ['balances'],
    load: async (block, { tx }) => byDay(await queries.bookings(tx, block)),
    calculate: (day, booked, yesterday) => (yesterday ?? 0) + (booked.get(dayKey(day)) ?? 0),
    stored: async (block, { tx }) => byDay(await queries.balances(tx, block)),
    async save({ upserts }, { tx }) {
      const rows = upserts.map(({ day, value }) => ({ employeeId: day.employeeId, date: day.date, minutes: value }))
      if (rows.length > 0) await queries.saveBalances(tx, rows)
    },
  })
}

function byDay(rows: readonly DayMinutes[]): ReadonlyMap<DayKey, number> {
  return new Map(rows.map((row) => [dayKey(row), row.minutes]))
}
