// What the samples in README.md and docs/ take for granted: the host's own things.
import type { Kysely, Transaction } from 'kysely'
import type { DayKey, DayStage, EmployeeRepository, RecalcService } from 'recalc-service'
import type { SqlBackend } from 'recalc-service/sql'

declare global {
  interface Tables {
    bookings: { id: number; tenant_id: string; employee_id: string; date: string; minutes: number }
    shifts: { id: number; tenant_id: string; employee_id: string; start: Date; end: Date }
    balances: { tenant_id: string; employee_id: string; date: string; minutes: number }
    months: { tenant_id: string; employee_id: string; month: string; minutes: number }
  }
  const db: Kysely<Tables>
  const replica: Kysely<Tables>
  const employees: EmployeeRepository
  const stages: readonly DayStage<Transaction<Tables>>[]
  const recalc: RecalcService<Transaction<Tables>>
  const backend: SqlBackend<Transaction<Tables>>
  function zoneOfTenant(tenantId: string): string
  function hoursBetween(
    tx: Transaction<Tables>,
    query: { tenantId: string; employeeId: string; start: Date; end: Date },
  ): Promise<number>
  function hoursOfBlock(
    tx: Transaction<Tables>,
    block: { tenantId: string; employeeIds: readonly string[]; from: string; to: string },
  ): Promise<ReadonlyMap<DayKey, number>>
  function saveHours(
    tx: Transaction<Tables>,
    row: { tenantId: string; employeeId: string; date: string; worked: number },
  ): Promise<'changed' | 'unchanged'>
}
