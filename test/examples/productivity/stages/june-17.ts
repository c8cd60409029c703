import { dayBounds } from 'recalc-service'
import { HOUR, MINUTE } from '../support/arbitraries.ts'

export const tenantId = 't'
export const zone = 'Europe/Berlin'
/** The day that most is about. */
export const day = '2025-06-17'
const midnight = dayBounds(day, zone).start.getTime()

/** A moment by the clock of the day; hours above 24 are of days behind it, those below 0 of days before. */
export function at(hour: number, minute = 0, second = 0): number {
  return midnight + hour * HOUR + minute * MINUTE + second * 1000
}

export function shift(start: number, end: number | null, { employee = 'a', breaks = 0 } = {}) {
  return { employee_id: employee, clock_in: start, clock_out: end, break_minutes: breaks }
}

/** By default of a role with a threshold of 5 minutes, and a point per item. */
export function activity(start: number, end: number, { employee = 'a', role = 1, items = 1 } = {}) {
  return { employee_id: employee, role_id: role, window_start: start, window_end: end, items_count: items }
}

export function payRate(effective_from: string, hourly_rate: number, { employee = 'a' } = {}) {
  return { employee_id: employee, effective_from, hourly_rate }
}

/** Employees without anything. */
export function people(...ids: readonly string[]) {
  return ids.map((id) => ({ id, name: `Employee ${id}` }))
}
