import { divideHalfUp, hundredths, MINUTE } from './arithmetic.ts'

/** The threshold where no window gives one: before the first, after the last, and in a shift without any. */
export const DEFAULT_THRESHOLD = 15 * MINUTE

const LEAST_BATCH_THRESHOLD = 3 * MINUTE

/** What one item took at the expected rate, plus 5 %: 60 minutes × 1.05, to be divided by items per hour. */
const BATCH_ALLOWANCE = 63 * MINUTE

interface RoleBase {
  readonly id: number
  /** Points per item, in hundredths. */
  readonly multiplier: number
}

/** Work that never pauses for long: any gap has the same threshold. */
interface ContinuousRole extends RoleBase {
  readonly type: 'continuous'
  readonly idleThresholdMinutes: number
}

/** Work that is booked when a batch is done: the larger the batch, the longer the gap that it explains. */
interface BatchRole extends RoleBase {
  readonly type: 'batch'
  readonly expectedPerHour: number
}

export type Role = ContinuousRole | BatchRole

/** A row of `role_configs`. */
export interface RoleRow {
  readonly id: number
  readonly role_type: 'continuous' | 'batch'
  readonly multiplier: number | string
  readonly expected_per_hour: number | null
  readonly idle_threshold_minutes: number | null
}

/** @throws {Error} when the row lacks what its type needs; the schema's CHECK keeps such rows out. */
export function roleFrom(row: RoleRow): Role {
  const base = { id: row.id, multiplier: hundredths(row.multiplier) }
  if (row.role_type === 'batch') {
    return { ...base, type: 'batch', expectedPerHour: needed(row, 'expected_per_hour', 1) }
  }
  return { ...base, type: 'continuous', idleThresholdMinutes: needed(row, 'idle_threshold_minutes', 0) }
}

/** Rule 4: how long a gap after this window may be before it counts as idle, in milliseconds. */
export function thresholdAfter(window: { readonly role: Role; readonly items: number }): number {
  const { role, items } = window
  if (role.type === 'continuous') return role.idleThresholdMinutes * MINUTE
  return Math.max(LEAST_BATCH_THRESHOLD, divideHalfUp(items * BATCH_ALLOWANCE, role.expectedPerHour))
}

function needed(row: RoleRow, column: 'expected_per_hour' | 'idle_threshold_minutes', least: number): number {
  const value = row[column]
  if (value === null || value < least) {
    throw new Error(`Expected \`${column}\` of ${row.role_type} role ${row.id} to be at least ${least}, got ${value}`)
  }
  return value
}
