import type { Booking, BookingQuery, CorrectionStore } from '../../run/corrections/correction-store.ts'
import { asciiJson } from '../ascii-json.ts'
import { hash } from '../hash.ts'
import { bytesOfAscii, statements } from '../statements.ts'
import type { RecalcDb } from '../tables.ts'
import type { CorrectionsDb, CorrectionsTable } from './corrections-table.ts'

/** The bytes that a digest takes in a statement, at most. */
const KEY_BYTES = 80

/** Corrections that were taken over, in a table beside the host's own. */
export class SqlCorrectionStore<Tx> implements CorrectionStore<Tx> {
  readonly #dbOf: (tx: Tx) => CorrectionsDb
  readonly #table: 'corrections'

  /** @param dbOf The library's tables in a transaction of the host. */
  constructor(table: 'corrections', dbOf: (tx: Tx) => RecalcDb) {
    this.#dbOf = (tx) => dbOf(tx) as unknown as CorrectionsDb // the table is there once `migrate()` has run
    this.#table = table
  }

  async bookings(tx: Tx, { tenantId, employeeIds, from, to }: BookingQuery): Promise<readonly Booking[]> {
    const db = this.#dbOf(tx)
    const keys = employeeIds.map((id) => employeeKey(tenantId, id))
    const found: Booking[] = []
    for (const group of inGroups(keys)) {
      const rows = await db
        .selectFrom(this.#table)
        .select('body')
        .where('employee_hash', 'in', group)
        .where('is_last', '=', 1)
        .where('first_date', '<=', to)
        .where('last_date', '>=', from)
        .execute()
      for (const { body } of rows) found.push(readBody(body).booking)
    }
    return found
  }

  async takenOver(tx: Tx, tenantId: string, corrections: readonly string[]): Promise<ReadonlySet<string>> {
    const db = this.#dbOf(tx)
    const found = new Set<string>()
    for (const group of inGroups(corrections)) {
      const rows = await db
        .selectFrom(this.#table)
        .select(['correction', 'body'])
        .where('correction', 'in', group)
        .execute()
      for (const { correction, body } of rows) if (readBody(body).tenantId === tenantId) found.add(correction)
    }
    return found
  }

  async book(tx: Tx, tenantId: string, bookings: readonly Booking[]): Promise<undefined> {
    const db = this.#dbOf(tx)
    const replaced = bookings.map(({ replaces }) => replaces).filter((replaces) => replaces !== null)
    for (const group of inGroups(replaced.toSorted())) {
      await db.updateTable(this.#table).set({ is_last: 0 }).where('correction', 'in', group).execute()
    }
    for (const group of statements(
      bookings.map((booking) => rowOf(tenantId, booking)),
      rowBytes,
    )) {
      await db.insertInto(this.#table).values(group).execute()
    }
  }
}

function inGroups(keys: readonly string[]): Generator<readonly string[]> {
  return statements(keys, () => KEY_BYTES)
}

function employeeKey(tenantId: string, employeeId: string): string {
  return hash('employee', tenantId, employeeId)
}

function rowOf(tenantId: string, booking: Booking): CorrectionsTable {
  return {
    correction: booking.correction,
    employee_hash: employeeKey(tenantId, booking.employeeId),
    first_date: booking.date,
    last_date: booking.through,
    is_last: 1,
    body: asciiJson({ tenantId, booking }),
  }
}

function readBody(body: string): { readonly tenantId: string; readonly booking: Booking } {
  return JSON.parse(body) as ReturnType<typeof readBody> // as `rowOf` wrote it
}

function rowBytes({ body }: CorrectionsTable): number {
  return 256 + bytesOfAscii(body)
}
