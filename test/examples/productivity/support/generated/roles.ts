import type { PlainRole } from '../plain/sources.ts'

/** In an order of their own, so that nobody takes the first one for the lowest. */
export const plainRoles: readonly PlainRole[] = [
  role(3, { multiplier: 125, idle_threshold_minutes: 60 }),
  role(1, { multiplier: 100, idle_threshold_minutes: 5 }),
  role(5, { multiplier: 200, expected_per_hour: 7 }),
  role(2, { multiplier: 7, idle_threshold_minutes: 0 }),
  role(4, { multiplier: 333, expected_per_hour: 64 }),
]

function role(
  id: number,
  columns: { multiplier: number; idle_threshold_minutes?: number; expected_per_hour?: number },
): PlainRole {
  return {
    id,
    role_name: `Role ${id}`,
    role_type: columns.expected_per_hour === undefined ? 'continuous' : 'batch',
    multiplier: columns.multiplier,
    expected_per_hour: columns.expected_per_hour ?? null,
    idle_threshold_minutes: columns.idle_threshold_minutes ?? null,
  }
}
