import { addDays, type Block, type CalcContext, dayBounds, type IsoDate } from 'recalc-service'
import { grouped } from '../../shared/grouped.ts'
import { type CompanyRules, EmployeeFacts } from '../rules/employee-facts.ts'
import type { Tx } from '../schema/tables.ts'
import { absenceFrom, assignmentFrom, bookingFrom, breakRuleFrom, planFrom } from './records.ts'

/**
 * How far a day's bookings lie around it. A pair lasts 24 hours at most, which is more than a day where the clock is put
 * forward; so does a break that begins at the end of a night shift. The rest before a day is that behind a pair of the night
 * before, which lies one date further where a zone skipped a day.
 */
export const BOOKING_DAYS = [-3, 3] as const

/** What a block's days are calculated from, by employee. */
export type BlockFacts = ReadonlyMap<string, EmployeeFacts>

/** Reads everything for the whole block, in a fixed number of queries. */
export async function readFacts(
  { employeeIds, from, to }: Block,
  { tx, zone, now }: Pick<CalcContext<Tx>, 'tx' | 'zone' | 'now'>,
): Promise<BlockFacts> {
  const employees = await tx.selectFrom('employees').selectAll().where('id', 'in', employeeIds).execute()
  const assignments = await tx
    .selectFrom('plan_assignments')
    .selectAll()
    .where('employee_id', 'in', employeeIds)
    .where('valid_from', '<=', to)
    .orderBy('employee_id')
    .orderBy('valid_from')
    .execute()
  const bookings = await tx
    .selectFrom('bookings')
    .selectAll()
    .where('employee_id', 'in', employeeIds)
    .where('at', '>=', dayBounds(addDays(from, BOOKING_DAYS[0]), zone).start.getTime())
    .where('at', '<', dayBounds(addDays(to, BOOKING_DAYS[1]), zone).end.getTime())
    .execute()
  const absencesOf = await readAbsences(tx, { employeeIds, from, to })
  const rules = await readRules(tx, { from, to })
  const assignmentsOf = grouped(assignments, (row) => row.employee_id)
  const bookingsOf = grouped(bookings, (row) => row.employee_id)
  const present = { zone, now: now().getTime() }
  return new Map(
    employees.map((employee) => {
      const { id, entry_date, exit_date } = employee
      const records = {
        entryDate: entry_date as IsoDate, // a DATE column, which the driver gives as text
        exitDate: exit_date as IsoDate | null,
        assignments: (assignmentsOf.get(id) ?? []).map(assignmentFrom),
        absences: absencesOf.get(id) ?? [],
        bookings: (bookingsOf.get(id) ?? []).map(bookingFrom),
      }
      return [id, new EmployeeFacts(records, rules, present)]
    }),
  )
}

/** The absences that touch some dates, by employee. */
export async function readAbsences(
  tx: Tx,
  { employeeIds, from, to }: { readonly employeeIds: readonly string[]; readonly from: string; readonly to: string },
) {
  const kinds = await tx.selectFrom('absence_kinds').selectAll().execute()
  const kindOf = new Map(kinds.map((row) => [row.kind, row]))
  const rows = await tx
    .selectFrom('absences')
    .selectAll()
    .where('employee_id', 'in', employeeIds)
    .where('from_date', '<=', to)
    .where('to_date', '>=', from)
    .execute()
  const absences = rows.map((row) => ({ employeeId: row.employee_id, ...absenceFrom(row, kindOf.get(row.kind)) }))
  return grouped(absences, ({ employeeId }) => employeeId)
}

/** The holidays of some dates: date → percent of the target that is credited. */
export async function readHolidays(
  tx: Tx,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.selectFrom('holidays').selectAll().where('date', '>=', from).where('date', '<=', to).execute()
  return new Map(rows.map(({ date, credit_percent }) => [date, credit_percent]))
}

async function readRules(tx: Tx, dates: { readonly from: string; readonly to: string }): Promise<CompanyRules> {
  const plans = await tx.selectFrom('day_plans').selectAll().execute()
  const breakRules = grouped(await tx.selectFrom('break_rules').selectAll().execute(), (row) => row.plan_id)
  return {
    plans: new Map(plans.map((row) => [row.id, planFrom(row, (breakRules.get(row.id) ?? []).map(breakRuleFrom))])),
    holidays: await readHolidays(tx, dates),
  }
}
