import type { Insertable } from 'kysely'
import type { Change, RecalcService } from 'recalc-service'
import type { Database, Tables, Tx } from './schema/tables.ts'

/**
 * The change hooks: each edit is one transaction with a note of what is different. Nobody names the days that follow from it.
 */
export class Edits {
  readonly #db: Database
  readonly #timesheet: RecalcService<Tx>
  readonly #tenantId: string

  constructor(db: Database, timesheet: RecalcService<Tx>, tenantId: string) {
    this.#db = db
    this.#timesheet = timesheet
    this.#tenantId = tenantId
  }

  addBooking(row: Insertable<Tables['bookings']>): Promise<void> {
    return this.#noted(async (tx) => {
      await tx.insertInto('bookings').values(row).execute()
      return [bookingChange(row)]
    })
  }

  /** Moves a booking, or gives it to somebody else. */
  changeBooking(id: number, values: Pick<Insertable<Tables['bookings']>, 'at' | 'employee_id'>): Promise<void> {
    return this.#noted(async (tx) => {
      const before = await tx.selectFrom('bookings').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      await tx.updateTable('bookings').set(values).where('id', '=', id).execute()
      return [bookingChange(before), bookingChange({ ...before, ...values })]
    })
  }

  deleteBooking(id: number): Promise<void> {
    return this.#noted(async (tx) => {
      const before = await tx.selectFrom('bookings').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      await tx.deleteFrom('bookings').where('id', '=', id).execute()
      return [bookingChange(before)]
    })
  }

  addAbsence(row: Insertable<Tables['absences']>): Promise<void> {
    return this.#noted(async (tx) => {
      await tx.insertInto('absences').values(row).execute()
      return [{ table: 'absences', employeeId: row.employee_id, dates: { from: row.from_date, to: row.to_date } }]
    })
  }

  deleteAbsence(id: number): Promise<void> {
    return this.#noted(async (tx) => {
      const row = await tx.selectFrom('absences').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      await tx.deleteFrom('absences').where('id', '=', id).execute()
      return [{ table: 'absences', employeeId: row.employee_id, dates: { from: row.from_date, to: row.to_date } }]
    })
  }

  addAssignment(row: Insertable<Tables['plan_assignments']>): Promise<void> {
    return this.#noted(async (tx) => {
      await tx.insertInto('plan_assignments').values(row).execute()
      return [{ table: 'plan_assignments', employeeId: row.employee_id, dates: { from: row.valid_from } }]
    })
  }

  addHoliday(row: Insertable<Tables['holidays']>): Promise<void> {
    return this.#noted(async (tx) => {
      await tx.insertInto('holidays').values(row).execute()
      return [{ table: 'holidays', dates: { from: row.date, to: row.date } }]
    })
  }

  async closeMonth(employeeId: string, month: string): Promise<void> {
    await this.#db.insertInto('closed_months').values({ employee_id: employeeId, month }).execute()
  }

  /** What was held of the month is settled next. */
  async reopenMonth(employeeId: string, month: string): Promise<void> {
    await this.#db
      .deleteFrom('closed_months')
      .where('employee_id', '=', employeeId)
      .where('month', '=', month)
      .execute()
    await this.#timesheet.releaseHeld({ tenantId: this.#tenantId, employeeId })
  }

  #noted(edit: (tx: Tx) => Promise<readonly Omit<Change, 'tenantId'>[]>): Promise<void> {
    return this.#db.transaction().execute(async (tx) => {
      for (const change of await edit(tx)) {
        await this.#timesheet.noteChange(tx, { tenantId: this.#tenantId, ...change })
      }
    })
  }
}

function bookingChange({ employee_id, at }: Pick<Insertable<Tables['bookings']>, 'employee_id' | 'at'>) {
  return { table: 'bookings', employeeId: employee_id, at: [new Date(at)] }
}
