import type { Clock } from '../calendar/clock.ts'
import { backoffAfterFailureMs, recheckHeldMs } from './backoff.ts'
import type { ChangeContent, ChangeError, ChangeState, NewChange, StoredChange } from './change-ledger.ts'
import type { DaySpan } from './day-set.ts'
import { ALL_STAGES, DirtyEmployee } from './dirty-employee.ts'

/** Days of an employee, to be calculated by all stages or from one on. */
interface NotedDays {
  readonly employeeId: string
  /** Default: all stages. */
  readonly stage?: string | undefined
  readonly span: DaySpan
}

/** Notes of what is left to do of changes that were read. */
export class NewNotes {
  readonly #tenantId: string
  readonly #clock: Clock
  readonly #employees: ReadonlyMap<string, DirtyEmployee>

  /** @param employees Who is dirty: their notes are as old as the oldest that was read. */
  constructor(tenantId: string, clock: Clock, employees: ReadonlyMap<string, DirtyEmployee>) {
    this.#tenantId = tenantId
    this.#clock = clock
    this.#employees = employees
  }

  waiting(days: NotedDays): NewChange {
    return this.#note(days, 'waiting')
  }

  failing(days: NotedDays, { code, message }: ChangeError): NewChange {
    const attempts = this.#attemptsAt(days, 'failing') + 1
    const dueAt = this.#clock.now() + backoffAfterFailureMs(attempts)
    return { ...this.#note(days, 'failing'), attempts, error: { code, message }, dueAt }
  }

  held(days: NotedDays): NewChange {
    const attempts = this.#attemptsAt(days, 'held') + 1
    return { ...this.#note(days, 'held'), attempts, dueAt: this.#clock.now() + recheckHeldMs(attempts) }
  }

  /** A change of a table that no stage reads is not lost: a newer or older release may know the table. */
  unknown({ id: _, ...change }: StoredChange): NewChange {
    const attempts = change.attempts + 1
    const table = 'table' in change.content ? change.content.table : ''
    const message = `No stage of this service reads the table ${JSON.stringify(table)}`
    const dueAt = this.#clock.now() + backoffAfterFailureMs(attempts)
    return { ...change, state: 'failing', attempts, error: { code: 'UNKNOWN_TABLE', message }, dueAt }
  }

  /** A tenant stage is to run. */
  stage(stage: string, days: readonly [number, number]): NewChange {
    return this.#change(null, { stage, days }, 'waiting', this.#clock.now())
  }

  #note({ employeeId, stage = ALL_STAGES, span }: NotedDays, state: ChangeState): NewChange {
    const days = [span.first, span.last] as const
    const notedAt = this.#employees.get(employeeId)?.notedAt ?? Number.POSITIVE_INFINITY
    const content = stage === ALL_STAGES ? { days } : { days, from: stage }
    return this.#change(employeeId, content, state, Math.min(notedAt, this.#clock.now()))
  }

  #change(employeeId: string | null, content: ChangeContent, state: ChangeState, notedAt: number): NewChange {
    return { tenantId: this.#tenantId, employeeId, content, state, attempts: 0, error: null, notedAt, dueAt: 0 }
  }

  #attemptsAt({ employeeId, span }: NotedDays, state: ChangeState): number {
    const { due, parked } = this.#employees.get(employeeId) ?? new DirtyEmployee()
    const same = [...due, ...parked].filter((change) => change.state === state && isOn(change, span.first))
    return Math.max(0, ...same.map(({ attempts }) => attempts))
  }
}

/** True when a change that names days names this one. */
export function isOn({ content }: StoredChange, day: number): boolean {
  return 'days' in content && content.days[0] <= day && day <= content.days[1]
}
