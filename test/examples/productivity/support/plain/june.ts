import { deriveAll } from './derive-all.ts'
import type { PlainActivity, PlainClockTime, PlainPayRate, PlainRole } from './sources.ts'

const zone = 'Europe/Berlin'

/** A moment of June 2025 in Berlin, such as `17 08:00` or `17 08:00:30`. */
export const at = (moment: string) => Date.parse(`2025-06-${moment.replace(' ', 'T')}+02:00`)

export const picking: PlainRole = continuous(1, 5)
export const patient: PlainRole = continuous(2, 30)
/** 20 an hour: 3 minutes for each item and 5 % more, 3:09. */
export const packing: PlainRole = {
  ...picking,
  id: 3,
  role_type: 'batch',
  multiplier: 125,
  expected_per_hour: 20,
  idle_threshold_minutes: null,
}

function continuous(id: number, threshold: number): PlainRole {
  return {
    id,
    role_name: `Role ${id}`,
    role_type: 'continuous',
    multiplier: 100,
    expected_per_hour: null,
    idle_threshold_minutes: threshold,
  }
}

export type Shift = readonly [clockIn: string, clockOut: string | null, breakMinutes?: number]
export type Work = readonly [start: string, end: string, role?: PlainRole, items?: number, id?: number]

export interface Tables {
  readonly shifts?: readonly Shift[]
  readonly works?: readonly Work[]
  readonly payRates?: readonly Omit<PlainPayRate, 'employee_id'>[]
  readonly from?: string
  readonly to?: string
  readonly now?: string
}

/** What follows for employee `a`: on the 17th unless other days are named, seen on the 30th unless it is another moment. */
export function derived(tables: Tables) {
  const employee_id = 'a'
  const clockTimes = (tables.shifts ?? []).map(
    ([clockIn, clockOut, breaks], index): PlainClockTime => ({
      id: index + 1,
      employee_id,
      clock_in: at(clockIn),
      clock_out: clockOut === null ? null : at(clockOut),
      break_minutes: breaks ?? 0,
    }),
  )
  const activityLogs = (tables.works ?? []).map(
    ([start, end, role, items, id], index): PlainActivity => ({
      id: id ?? index + 1,
      employee_id,
      role_id: (role ?? picking).id,
      window_start: at(start),
      window_end: at(end),
      items_count: items ?? 1,
    }),
  )
  return deriveAll(
    {
      employees: [{ id: employee_id, name: 'A', is_active: 0 }],
      roleConfigs: [picking, patient, packing],
      payRates: (tables.payRates ?? []).map((row) => ({ ...row, employee_id })),
      clockTimes,
      activityLogs,
    },
    {
      zone,
      from: tables.from ?? '2025-06-17',
      to: tables.to ?? tables.from ?? '2025-06-17',
      now: at(tables.now ?? '30 12:00'),
    },
  )
}
