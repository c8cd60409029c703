import type { ChangeState, NewChange, StoredChange } from '../../changes/change-ledger.ts'
import { asciiJson } from '../ascii-json.ts'
import { hash } from '../hash.ts'
import { bytesOf } from '../statements.ts'
import { type ChangesTable, WHOLE_TENANT } from './changes-table.ts'

const STATES: readonly ChangeState[] = ['waiting', 'failing', 'held']

/** What stands in `body`. */
type Body = Pick<NewChange, 'tenantId' | 'employeeId' | 'content' | 'attempts' | 'error'>

export function tenantHash(tenantId: string): string {
  return hash('tenant', tenantId)
}

/** An employee's; `null` stands for the tenant as a whole. */
export function laneHash(tenantId: string, employeeId: string | null): string {
  return employeeId === null ? WHOLE_TENANT : hash('employee', tenantId, employeeId)
}

export function stateNumber(state: ChangeState): number {
  return STATES.indexOf(state)
}

/** A change as a row to be inserted. */
export function rowOf(change: NewChange): Omit<ChangesTable, 'id'> {
  const { tenantId, employeeId, content, state, attempts, error, notedAt, dueAt } = change
  const body: Body = { tenantId, employeeId, content, attempts, error }
  return {
    state: stateNumber(state),
    tenant_hash: tenantHash(tenantId),
    employee_hash: laneHash(tenantId, employeeId),
    noted_at: notedAt,
    due_at: dueAt,
    body: asciiJson(body),
  }
}

export function rowBytes(row: Omit<ChangesTable, 'id'>): number {
  return 256 + bytesOf(row.body)
}

/** A row as a change; drivers give large numbers as strings. */
export function changeOf(row: {
  readonly id: number | string
  readonly state: number | string
  readonly noted_at: number | string
  readonly due_at: number | string
  readonly body: string
}): StoredChange {
  const body = JSON.parse(row.body) as Body // as rowOf wrote it
  return {
    ...body,
    id: Number(row.id),
    state: STATES[Number(row.state)] as ChangeState,
    notedAt: Number(row.noted_at),
    dueAt: Number(row.due_at),
  }
}
