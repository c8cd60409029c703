import type { Insertable } from 'kysely'
import type { RoleConfigsTable } from '../../schema/tables.ts'

type RoleConfig = Insertable<RoleConfigsTable>

const continuous = (id: number, role_name: string, multiplier: number, idle_threshold_minutes: number): RoleConfig => ({
  id,
  role_name,
  role_type: 'continuous',
  multiplier,
  expected_per_hour: null,
  idle_threshold_minutes,
})

const batch = (id: number, role_name: string, multiplier: number, expected_per_hour: number): RoleConfig => ({
  id,
  role_name,
  role_type: 'batch',
  multiplier,
  expected_per_hour,
  idle_threshold_minutes: null,
})

/** What people do in the made-up warehouse. */
export const roleConfigs: readonly [RoleConfig, ...RoleConfig[]] = [
  continuous(1, 'Receiving', 1, 8),
  continuous(2, 'Packing', 1.25, 5),
  continuous(3, 'Quality control', 2.5, 12),
  batch(4, 'Picking', 1.5, 90),
  batch(5, 'Returns', 1.75, 35),
  batch(6, 'Repair', 3.33, 7),
]
