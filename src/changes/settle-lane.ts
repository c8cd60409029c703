import { FailedAfterSave } from '../run/blocks/block-calculator.ts'
import type { RecalcFailure } from '../run/failure.ts'
import { endsRun } from '../run/lanes/lane-runner.ts'
import { type DayCounts, observed } from '../run/telemetry.ts'
import { attempt } from '../run/units/attempts.ts'
import { lockKeys } from '../run/units/employee-locks.ts'
import {
  type BlockLimits,
  type LaneOfEmployees,
  limitsAfter,
  type PlacedLane,
  type SettledBlock,
  settleInUnit,
} from './settle-block.ts'
import { inSettleUnit, type SettleOwner, settleCalendar, settleOperation } from './settle-owner.ts'

/** What settling some employees came to. */
export interface SettledLane {
  /** Employee-days that were calculated. */
  readonly days: number
  /** Employee-days and periods that failed; they keep their changes. */
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
): Promise<SettledLane> {
  return observed(
    owner.settings.telemetry,
    () => settleOperation(owner, lane.tenantId, lane.employeeIds.length),
    () => settleBlocks(owner, lane, most),
  )
}

async function settleBlocks<Tx>(owner: SettleOwner<Tx>, lane: LaneOfEmployees, most: number): Promise<SettledLane> {
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
      limits = limitsAfter(thrown, limits, calculator)
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
    const task = {
      limitsFrom: () => limits,
      known: () => known,
      attempt: number,
      onFailed: (failures: ReadonlyMap<string, RecalcFailure>) => {
        failed = failures
      },
    }
    try {
      return await inSettleUnit(owner, lockKeys(lane.tenantId, lane.employeeIds), async (unit) => {
        const { outcome, afterCommit } = await settleInUnit(owner, lane, task, unit)
        unit.committed = afterCommit
        return outcome
      })
    } catch (error) {
      if (!(error instanceof FailedAfterSave)) throw error
      known = failed
    }
  }
}

function countsOf({ days, failedDays, changed, skipped }: SettledBlock): DayCounts {
  return { changed, unchanged: days - failedDays - changed, skipped, failed: failedDays }
}
