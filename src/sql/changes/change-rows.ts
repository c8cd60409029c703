import type { ChangeState, NewChange, StoredChange } from '../../changes/change-ledger.ts'
import { asciiJson } from '../ascii-json.ts'
import { isCaptured, readCaptured } from '../capture/captured-change.ts'
import type { Engine } from '../engines/engine.ts'
import { bytesOf } from '../statements.ts'
import { type NewChangeRow, WHOLE_TENANT } from './changes-table.ts'

const STATES: readonly ChangeState[] = ['waiting', 'failing', 'held']

/** What stands in `body`. */
type Body = Pick<NewChange, 'tenantId' | 'employeeId' | 'content' | 'attempts' | 'error'>

/** An employee's key; `null` stands for the tenant as a whole. */
export function laneKey(engine: Engine, employeeId: string | null): string {
  return employeeId === null ? WHOLE_TENANT : engine.ledgerKey(employeeId)
}

export function stateNumber(state: ChangeState): number {
  return STATES.indexOf(state)
}

/** A change as a row to be inserted. */
export function rowOf(engine: Engine, change: NewChange): NewChangeRow {
  const { tenantId, employeeId, content, state, attempts, error, notedAt, dueAt } = change
  const body: Body = { tenantId, employeeId, content, attempts, error }
  return {
    state: stateNumber(state),
    tenant_hash: engine.ledgerKey(tenantId),
    employee_hash: laneKey(engine, employeeId),
    noted_at: notedAt,
    due_at: dueAt,
    body: asciiJson(body),
  }
}

export function rowBytes(row: NewChangeRow): number {
  return 256 + bytesOf(row.body)
}

/** What {@link rowOf} or a trigger wrote. */
export function bodyOf(body: string): Body {
  const read: unknown = JSON.parse(body)
  return isCaptured(read) ? { ...readCaptured(read), attempts: 0, error: null } : (read as Body)
}

export interface ChangeRow {
  readonly id: number | string
  readonly state: number | string
  readonly noted_at: number | string
  readonly due_at: number | string
  readonly body: string
}

/** Rows as changes; drivers give large numbers as strings. Where many say the same, it is read once. */
export function changesOf(rows: readonly ChangeRow[]): readonly StoredChange[] {
  const bodies = new Map<string, Body>()
  return rows.map((row) => {
    const body = bodies.get(row.body) ?? bodyOf(row.body)
    bodies.set(row.body, body)
    return {
      tenantId: body.tenantId,
      employeeId: body.employeeId,
      content: body.content,
      state: STATES[Number(row.state)] as ChangeState,
      attempts: body.attempts,
      error: body.error,
      notedAt: Number(row.noted_at),
      dueAt: Number(row.due_at),
      id: Number(row.id),
    }
  })
}
