import { addDays } from '../../calendar/date-range.ts'
import type { IsoDate } from '../../calendar/iso-date.ts'
import { type BlockOutcome, stepOf } from '../blocks/block-runner.ts'
import type { FailureKey, RecordedFailure, Step } from '../checkpoint.ts'
import type { Employee } from '../plan/host-contracts.ts'
import type { RecalcFailure } from '../result.ts'
import { Lane } from './lane.ts'

interface RepairOptions {
  readonly tenantId: string
  /** Failed on each of `dates`, or blocked on all but the first. */
  readonly employees: readonly Employee[]
  readonly dates: readonly IsoDate[]
  readonly blocksLater: boolean
}

/**
 * Days that failed, or were blocked, in an earlier run of the same job. They are counted as failed already, so doing them
 * again moves them from one counter to another.
 *
 * Where days build on earlier ones, one recorded failure stands for its day and all that it blocks. As long as some of
 * these are still to be done the record stays, and moves on to the first of them; that is where a next run begins.
 */
class RepairLane extends Lane {
  readonly #options: RepairOptions

  constructor(options: RepairOptions & { readonly datesDone?: number; readonly blocked?: ReadonlySet<string> }) {
    super({ ...options, id: 0 })
    this.#options = options
  }

  override nextDates(limit: number): readonly IsoDate[] {
    const next = super.nextDates(limit)
    const gap = next.findIndex((date, i) => i > 0 && date !== addDays(next[i - 1] as IsoDate, 1))
    return gap === -1 ? next : next.slice(0, gap)
  }

  override stepOf(dates: readonly IsoDate[], outcome: BlockOutcome): Step {
    const failed = outcome.failed - this.employees.length * dates.length
    // Tenant stages ran on days that were not right yet, so they are due again.
    const step = { ...stepOf(outcome), failed, tenantStagesDone: 0 }
    return this.#options.blocksLater
      ? { ...step, ...this.#movedOn(dates, outcome.failures) }
      : { ...step, settled: this.employeeIds.flatMap((id) => dates.map((date) => dayFailure(id, date))) }
  }

  protected override part(_id: number, employees: readonly Employee[]): Lane {
    const { datesDone, blocked } = this
    return new RepairLane({ ...this.#options, employees, datesDone, blocked })
  }

  #movedOn(dates: readonly IsoDate[], failures: readonly RecalcFailure[]): Pick<Step, 'settled' | 'moved'> {
    const failedAgain = new Set(failures.map(({ employeeId }) => employeeId))
    const next = this.dates[this.datesDone + dates.length]
    const standing = this.employeeIds
      .filter((id) => !this.blocked.has(id))
      .map((id) => ({ id, failure: dayFailure(id, dates[0] as IsoDate) }))
    const moves = (id: string) => next !== undefined && !failedAgain.has(id)
    return {
      settled: standing.filter(({ id }) => !moves(id)).map(({ failure }) => failure),
      moved: next ? standing.filter(({ id }) => moves(id)).map(({ failure }) => ({ failure, to: next })) : [],
    }
  }
}

function dayFailure(employeeId: string, date: IsoDate): FailureKey {
  return { employeeId, date, stage: '' }
}

/** Recorded failures of employee-days as lanes: employees who are to be repaired on the same dates share one. */
export function* repairLanes(
  failures: readonly RecordedFailure[],
  options: {
    readonly tenantId: string
    readonly blocksLater: boolean
    readonly maxEmployees: number
    /** The dates that a failed day blocks, itself included. */
    readonly blockedFrom: (employeeId: string, date: IsoDate) => readonly IsoDate[]
  },
): Generator<Lane> {
  const datesOf = new Map<string, IsoDate[]>()
  for (const { employeeId, date } of failures) {
    if (employeeId === null || date === null) continue
    const dates = options.blocksLater ? options.blockedFrom(employeeId, date) : [date]
    datesOf.set(employeeId, [...(datesOf.get(employeeId) ?? []), ...dates])
  }
  const groups = new Map<string, { dates: readonly IsoDate[]; employees: Employee[] }[]>()
  for (const [id, dates] of datesOf) {
    const alike = groups.get(dates.sort().join()) ?? []
    groups.set(dates.join(), alike)
    const open = alike.at(-1)
    if (open && open.employees.length < options.maxEmployees) open.employees.push({ id })
    else alike.push({ dates, employees: [{ id }] })
  }
  const { tenantId, blocksLater } = options
  for (const group of [...groups.values()].flat()) yield new RepairLane({ ...group, tenantId, blocksLater })
}
