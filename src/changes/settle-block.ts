import { datesBetween } from '../calendar/date-range.ts'
import { fromEpochDay } from '../calendar/epoch-day.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { BackendUnavailableError } from '../errors.ts'
import { withinPeriods } from '../pipeline/days-behind-periods.ts'
import type { BlockCalculator } from '../run/blocks/block-calculator.ts'
import { BlockDays, blockOf } from '../run/blocks/block-days.ts'
import { calcContext } from '../run/blocks/calc-context.ts'
import { closeDays } from '../run/blocks/closed-periods.ts'
import { BlockPeriods, type FailingPeriods } from '../run/blocks/periods/block-periods.ts'
import type { ValueChange } from '../run/blocks/value-change.ts'
import { failureOf, type RecalcFailure } from '../run/failure.ts'
import { BlockHistory } from '../run/history/block-history.ts'
import type { AfterCommit } from '../run/journal.ts'
import { failingPeriodsOf } from '../run/lanes/lane-runner.ts'
import type { PeriodCounters } from '../run/result.ts'
import { lockInBackend } from '../run/units/employee-locks.ts'
import type { OpenUnit } from '../run/units/unit-runner.ts'
import { LaneChanges } from './lane-changes.ts'
import { calcOwner, type SettleCalendar, type SettleOwner } from './settle-owner.ts'

/** What one unit of work has settled. */
export interface SettledBlock {
  /** Employee-days that were calculated. */
  readonly days: number
  /** Days and periods that failed. */
  readonly failed: number
  /** The part of `days` that failed. */
  readonly failedDays: number
  /** The part of `days` that was written. */
  readonly changed: number
  /** Days that are closed. */
  readonly skipped: number
  /** Of days and periods. */
  readonly failures: readonly RecalcFailure[]
  /** Undefined where there are no period stages, or nothing was to be calculated. */
  readonly periods: PeriodCounters | undefined
  /** Nothing is left to do of the changes that were read. */
  readonly isDone: boolean
}

/** Some employees of one tenant. */
export interface LaneOfEmployees {
  readonly tenantId: string
  readonly employeeIds: readonly string[]
}

/** The same, and where they are settled. */
export interface PlacedLane extends LaneOfEmployees {
  readonly place: SettleCalendar
}

/** How much is done at once, and what is known to fail. */
export interface BlockLimits {
  readonly days: number
  /** The only day of the block fails with this. */
  readonly thrown?: unknown
  /** Period stages that fail, and with what. */
  readonly failingPeriods?: readonly FailingPeriods[]
}

/** One attempt of one block. */
export interface SettleTask {
  /** @param first The first dirty day, since 1970-01-01. */
  limitsFrom(first: number): BlockLimits
  /** Days that are known to fail, by {@link keyOf}. */
  known(first: number): ReadonlyMap<string, RecalcFailure>
  readonly attempt: number
  /** Hears of days that have failed, before the error is thrown that says so. */
  onFailed(failures: ReadonlyMap<string, RecalcFailure>): void
  /** Hears of values that do change, in place of the history. */
  readonly onChanges?: (changes: readonly ValueChange[]) => void
}

/** How a block of one employee is tried again after an error: without what is to blame, or else with fewer days. */
export function limitsAfter<Tx>(
  thrown: unknown,
  limits: BlockLimits,
  calculator: BlockCalculator<Tx> | undefined,
): BlockLimits {
  const known = limits.failingPeriods ?? []
  const failing = calculator && failingPeriodsOf(calculator, thrown, known)
  if (failing) return { ...limits, failingPeriods: [...known, failing] }
  return limits.days > 1 ? { days: Math.ceil(limits.days / 2) } : { days: 1, thrown }
}

const nothing: SettledBlock = {
  ...{ days: 0, failed: 0, failedDays: 0, changed: 0, skipped: 0, isDone: true },
  ...{ failures: [], periods: undefined },
}

/** Settles what is due of some employees from their first dirty day on, as far as a block goes, in an open unit of work. */
export async function settleInUnit<Tx>(
  owner: SettleOwner<Tx>,
  lane: PlacedLane,
  task: SettleTask,
  unit: OpenUnit<Tx>,
): Promise<{ readonly outcome: SettledBlock; readonly afterCommit: AfterCommit | undefined }> {
  const { settings, calculator } = owner
  const { tenantId, employeeIds, place } = lane
  const { zone, calendar } = place
  await lockInBackend(settings, unit.tx, tenantId, employeeIds.toSorted())
  const { employeeZones } = calendar
  const changes = await LaneChanges.take(settings, unit.tx, { tenantId, employeeIds, zone, employeeZones })
  const { first } = changes
  if (first === undefined || !calculator) {
    const afterCommit = changes.isEmpty ? undefined : await changes.settle(undefined)
    return { outcome: nothing, afterCommit }
  }
  const limits = task.limitsFrom(first)
  const known = task.known(first)
  const longest = Math.min(first + limits.days - 1, changes.lastPossible)
  const { periodStages, periodsBeforeDays = [] } = calculator
  const dates = withinPeriods(datesBetween(fromEpochDay(first), fromEpochDay(longest)), periodsBeforeDays)
  const last = first + dates.length - 1
  const busy = changes.dirtyBetween(first, last).toSorted()
  // Days that fail do not block later ones: what is stored of them stays right until they are settled.
  const block = blockOf(tenantId, busy, dates)
  const periods = periodStages && new BlockPeriods(periodStages, block, { failing: limits.failingPeriods ?? [] })
  const days = new BlockDays(block, { blocksLater: false, clean: true, periods })
  const run = calcOwner(owner, place, first, last)
  const context = calcContext(run, unit, task.attempt)
  if (limits.thrown === undefined) await closeDays(run, days, { context, monitor: unit })
  for (const [key, failure] of known) {
    const number = numberOf(days, key)
    if (number !== undefined) days.fail(number, failure)
  }
  if (limits.thrown !== undefined) days.fail(0, failureOfBlock(limits.thrown, days))
  changes.open(days)
  const cascade = changes.cascadeOf(days)
  const history = new BlockHistory(settings.history)
  if (limits.thrown !== undefined) periods?.failMarked(limits.thrown, task.attempt)
  let changed = 0
  try {
    if (limits.thrown === undefined) {
      const { onChanges = history.onChanges } = task
      changed = await calculator.calculate(days, { context, monitor: unit, clearExisting: true, cascade, onChanges })
    }
  } catch (error) {
    task.onFailed(
      new Map([...known, ...[...days.failures].map(([day, failure]) => [keyOf(days, day), failure] as const)]),
    )
    throw error
  }
  const { id, kind } = run.identity
  await history.keep(unit.tx, {
    ...{ tenantId, at: settings.clock.now(), run: { id, kind, jobId: null, reason: null, actor: null } },
    tablesOf: (employeeId) => changes.tablesOf(employeeId),
  })
  const afterCommit = await changes.settle({ days, cascade })
  let calculated = 0
  days.forEachDay(() => {
    calculated += 1
  })
  const failedDays = days.failures.size
  const failed = failedDays + (periods?.failures.length ?? 0)
  const { skipped } = days
  const failures = [...days.failures.values(), ...(periods?.failures ?? [])]
  const counts = { days: calculated + failedDays, failed, failedDays, changed, skipped }
  return {
    outcome: { ...counts, failures, periods: periods?.counters, isDone: !changes.leavesWaiting },
    afterCommit,
  }
}

/** Days by name: another attempt may begin at another day. */
function keyOf(days: BlockDays, number: number): string {
  const { employeeId, date } = days.day(number)
  return `${date}/${employeeId}`
}

function numberOf(days: BlockDays, key: string): number | undefined {
  const { employeeIds, dates } = days.block
  const date = dates.indexOf(key.slice(0, 10) as IsoDate) // as keyOf wrote it
  const employee = employeeIds.indexOf(key.slice(11))
  return date < 0 || employee < 0 ? undefined : days.firstOf(employee) + date
}

function failureOfBlock(thrown: unknown, days: BlockDays): RecalcFailure {
  const { employeeId, date } = days.day(0)
  const attempts = thrown instanceof BackendUnavailableError ? thrown.attempts : 1
  return failureOf(thrown, { employeeId, date, stage: 'commit' }, attempts)
}
