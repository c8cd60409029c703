import { datesBetween } from '../calendar/date-range.ts'
import { fromEpochDay } from '../calendar/epoch-day.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { BackendUnavailableError } from '../errors.ts'
import { withinPeriods } from '../pipeline/days-behind-periods.ts'
import { FailedAfterSave } from '../run/blocks/block-calculator.ts'
import { BlockDays, blockOf } from '../run/blocks/block-days.ts'
import { closeDays } from '../run/blocks/block-runner.ts'
import { calcContext } from '../run/blocks/calc-context.ts'
import { BlockPeriods, type FailingPeriods } from '../run/blocks/periods/block-periods.ts'
import { failureOf, type RecalcFailure } from '../run/failure.ts'
import { BlockHistory } from '../run/history/block-history.ts'
import { endsRun, failingPeriodsOf } from '../run/lanes/lane-runner.ts'
import { type DayCounts, observed } from '../run/telemetry.ts'
import { attempt } from '../run/units/attempts.ts'
import { lockInBackend, lockKeys } from '../run/units/employee-locks.ts'
import type { OpenUnit } from '../run/units/unit-runner.ts'
import { LaneChanges } from './lane-changes.ts'
import {
  calcOwner,
  inSettleUnit,
  type SettleCalendar,
  type SettleOwner,
  settleCalendar,
  settleOperation,
} from './settle-owner.ts'

/** What one unit of work has settled. */
interface SettledBlock {
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
  /** Nothing is left to do of the changes that were read. */
  readonly isDone: boolean
}

/** Some employees of one tenant. */
export interface LaneOfEmployees {
  readonly tenantId: string
  readonly employeeIds: readonly string[]
}

interface PlacedLane extends LaneOfEmployees {
  readonly place: SettleCalendar
}

/** How much is done at once, and what is known to fail. */
interface BlockLimits {
  readonly days: number
  /** The only day of the block fails with this. */
  readonly thrown?: unknown
  /** Period stages that fail, and with what. */
  readonly failingPeriods?: readonly FailingPeriods[]
}

/** What settling came to. */
export interface Settled {
  /** Employee-days that were calculated. */
  readonly days: number
  /** Employee-days that failed; they keep their changes. */
  readonly failed: number
}

/**
 * Settles what is due of some employees, block by block in the order of their dates, until nothing is or `most` blocks are
 * done. Each block is one unit of work: lock, read the changes, calculate what is dirty and what follows from it, save,
 * remove the changes that were read, note what is left, commit.
 *
 * An error that is no single day's is halved down to the employees and days that cause it.
 *
 * @throws what no smaller block would be spared: a backend that stays away, a broken contract.
 */
export function settleLane<Tx>(
  owner: SettleOwner<Tx>,
  lane: LaneOfEmployees,
  most = Number.POSITIVE_INFINITY,
): Promise<Settled> {
  return observed(
    owner.settings.telemetry,
    () => settleOperation(owner, lane.tenantId, lane.employeeIds.length),
    () => settleBlocks(owner, lane, most),
  )
}

async function settleBlocks<Tx>(owner: SettleOwner<Tx>, lane: LaneOfEmployees, most: number): Promise<Settled> {
  const { control, settings, calculator } = owner
  const { employees, days: usual } = calculator?.shape ?? { employees: 1, days: 1 }
  // A block of fewer employees may have more days. It only grows while there is more to do: most edits are over in the first.
  const longest = Math.max(usual, Math.floor((employees * usual) / lane.employeeIds.length))
  const sum = { days: 0, failed: 0 }
  const place = await settleCalendar(owner, lane.tenantId, lane.employeeIds.length)
  let limits: BlockLimits = { days: usual }
  for (let blocks = 0; blocks < most && !control.stopped; blocks++) {
    try {
      const settled = await attempt('settle', owner, (number) =>
        observed(
          settings.telemetry,
          () => ({ type: 'block', tenantId: lane.tenantId, employees: lane.employeeIds.length, attempt: number }),
          () => settleBlock(owner, { ...lane, place }, limits, number),
          (block) => ({ days: countsOf(block) }),
        ),
      )
      if (!settled) return sum
      settings.telemetry?.record({ type: 'days', kind: 'settle', days: countsOf(settled) })
      sum.days += settled.days
      sum.failed += settled.failed
      if (settled.isDone) return sum
      limits = { days: Math.min(longest, limits.days * 2) }
    } catch (thrown) {
      if (control.stopped) return sum
      if (endsRun(thrown) || limits.thrown !== undefined) throw thrown
      if (lane.employeeIds.length > 1) {
        const { tenantId, employeeIds } = lane
        const middle = Math.ceil(employeeIds.length / 2)
        for (const half of [employeeIds.slice(0, middle), employeeIds.slice(middle)]) {
          const settled = await settleBlocks(owner, { tenantId, employeeIds: half }, most)
          sum.days += settled.days
          sum.failed += settled.failed
        }
        return sum
      }
      settings.logger.debug({ err: thrown, ...lane, days: limits.days }, 'A block of changes failed, trying less of it')
      const known = limits.failingPeriods ?? []
      const failing = calculator && failingPeriodsOf(calculator, thrown, known)
      if (failing) limits = { ...limits, failingPeriods: [...known, failing] }
      else limits = limits.days > 1 ? { days: Math.ceil(limits.days / 2) } : { days: 1, thrown }
    }
  }
  return sum
}

async function settleBlock<Tx>(
  owner: SettleOwner<Tx>,
  lane: PlacedLane,
  limits: BlockLimits,
  number: number,
): Promise<SettledBlock> {
  let known: ReadonlyMap<string, RecalcFailure> = new Map()
  for (;;) {
    let failed: ReadonlyMap<string, RecalcFailure> = known
    try {
      return await inSettleUnit(owner, lockKeys(lane.tenantId, lane.employeeIds), async (unit) => {
        const { outcome, afterCommit } = await settleInUnit(owner, lane, limits, unit, number, known, (failures) => {
          failed = failures
        })
        unit.committed = afterCommit
        return outcome
      })
    } catch (error) {
      if (!(error instanceof FailedAfterSave)) throw error
      known = failed
    }
  }
}

async function settleInUnit<Tx>(
  owner: SettleOwner<Tx>,
  lane: PlacedLane,
  limits: BlockLimits,
  unit: OpenUnit<Tx>,
  attempts: number,
  known: ReadonlyMap<string, RecalcFailure>,
  onFailed: (failures: ReadonlyMap<string, RecalcFailure>) => void,
) {
  const { settings, calculator } = owner
  const { tenantId, employeeIds, place } = lane
  const { zone, calendar } = place
  await lockInBackend(settings, unit.tx, tenantId, employeeIds.toSorted())
  const { employeeZones } = calendar
  const changes = await LaneChanges.take(settings, unit.tx, { tenantId, employeeIds, zone, employeeZones })
  const { first } = changes
  if (first === undefined || !calculator) {
    const afterCommit = changes.isEmpty ? undefined : await changes.settle(undefined)
    return { outcome: { days: 0, failed: 0, failedDays: 0, changed: 0, skipped: 0, isDone: true }, afterCommit }
  }
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
  const context = calcContext(run, unit, attempts)
  if (limits.thrown === undefined) await closeDays(run, days, { context, monitor: unit })
  for (const [key, failure] of known) {
    const number = numberOf(days, key)
    if (number !== undefined) days.fail(number, failure)
  }
  if (limits.thrown !== undefined) days.fail(0, failureOfBlock(limits.thrown, days))
  changes.open(days)
  const cascade = changes.cascadeOf(days)
  const history = new BlockHistory(settings.history)
  if (limits.thrown !== undefined) periods?.failMarked(limits.thrown, attempts)
  let changed = 0
  try {
    if (limits.thrown === undefined) {
      const { onChanges } = history
      changed = await calculator.calculate(days, { context, monitor: unit, clearExisting: true, cascade, onChanges })
    }
  } catch (error) {
    onFailed(new Map([...known, ...[...days.failures].map(([day, failure]) => [keyOf(days, day), failure] as const)]))
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
  return {
    outcome: { days: calculated + failedDays, failed, failedDays, changed, skipped, isDone: !changes.leavesWaiting },
    afterCommit,
  }
}

function countsOf({ days, failedDays, changed, skipped }: SettledBlock): DayCounts {
  return { changed, unchanged: days - failedDays - changed, skipped, failed: failedDays }
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
