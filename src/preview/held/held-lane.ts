import {
  type BlockLimits,
  type LaneOfEmployees,
  limitsAfter,
  type SettledBlock,
  settleInUnit,
} from '../../changes/settle-block.ts'
import { type SettleCalendar, type SettleOwner, settleCalendar } from '../../changes/settle-owner.ts'
import { tenantReaders } from '../../pipeline/affected-days.ts'
import { FailedAfterSave } from '../../run/blocks/block-calculator.ts'
import type { BlockOutcome } from '../../run/blocks/block-runner.ts'
import { isSame } from '../../run/blocks/same-value.ts'
import type { ValueChange } from '../../run/blocks/value-change.ts'
import type { RecalcFailure } from '../../run/failure.ts'
import { endsRun } from '../../run/lanes/lane-runner.ts'
import { attempt } from '../../run/units/attempts.ts'
import { lockKeys } from '../../run/units/employee-locks.ts'
import type { OpenUnit } from '../../run/units/unit-runner.ts'
import { type DayDifference, datesOf, differenceOf, followedBy, inOrder } from '../difference.ts'
import { bookingKey, joined, nothingFound, type PreviewedLane } from '../previewed-lane.ts'
import { inRolledBackUnit } from '../rolled-back-unit.ts'
import { LaneLedger } from './lane-ledger.ts'

/** Before the held changes are released what waits is settled, while closed days are closed; behind it no day is. */
type Pass = 'before' | 'released'

/** What is known of a block that failed: how much of it is tried, and which days fail. */
interface KnownBlock {
  readonly limits?: BlockLimits
  readonly failed?: ReadonlyMap<string, RecalcFailure>
}

/** By pass and first day. */
type Known = ReadonlyMap<string, KnownBlock>

/** Where a try has got to. */
interface Place {
  /** By pass and first day; empty: in none. */
  block: string
  limits: BlockLimits
  failed: ReadonlyMap<string, RecalcFailure>
}

/**
 * What would change if the held changes of some employees were released, found by settling them in one transaction that is
 * rolled back: what waits first, as if somebody settled just before, then what is held.
 *
 * What fails is found as settling finds it; but each try begins anew, because nothing of it may stay.
 */
export async function previewHeldLane<Tx>(owner: SettleOwner<Tx>, lane: LaneOfEmployees): Promise<PreviewedLane> {
  const { control, settings, calculator } = owner
  const { tenantId, employeeIds } = lane
  const place = await settleCalendar(owner, tenantId, employeeIds.length)
  let known: Known = new Map()
  for (;;) {
    const at: Place = { block: '', limits: { days: 1 }, failed: new Map() }
    try {
      const found = await attempt('preview', owner, (number) =>
        inRolledBackUnit(owner, lockKeys(tenantId, employeeIds), (unit) =>
          new HeldLane(owner, { ...lane, place }, { known, at, number }, unit).settle(),
        ),
      )
      return found ?? nothingFound
    } catch (thrown) {
      if (control.stopped) return nothingFound
      const block = known.get(at.block)
      if (thrown instanceof FailedAfterSave) {
        known = new Map([...known, [at.block, { ...block, failed: at.failed }]])
        continue
      }
      if (endsRun(thrown) || at.block === '' || at.limits.thrown !== undefined) throw thrown
      if (employeeIds.length > 1) return await previewHalves(owner, lane)
      settings.logger.debug({ err: thrown, ...lane }, 'A block of held changes failed, trying less of it')
      // With fewer days it is another block.
      known = new Map([...known, [at.block, { limits: limitsAfter(thrown, at.limits, calculator) }]])
    }
  }
}

async function previewHalves<Tx>(
  owner: SettleOwner<Tx>,
  { tenantId, employeeIds }: LaneOfEmployees,
): Promise<PreviewedLane> {
  const middle = Math.ceil(employeeIds.length / 2)
  const first = await previewHeldLane(owner, { tenantId, employeeIds: employeeIds.slice(0, middle) })
  const second = await previewHeldLane(owner, { tenantId, employeeIds: employeeIds.slice(middle) })
  return joined(first, second)
}

/** One try. */
class HeldLane<Tx> {
  readonly #owner: SettleOwner<Tx>
  readonly #lane: LaneOfEmployees & { readonly place: SettleCalendar }
  readonly #try: { readonly known: Known; readonly at: Place; readonly number: number }
  readonly #unit: OpenUnit<Tx>
  readonly #differences: DayDifference[] = []
  readonly #outcomes: PreviewedLane['outcomes'][number][] = []

  constructor(
    owner: SettleOwner<Tx>,
    lane: LaneOfEmployees & { readonly place: SettleCalendar },
    attempt: { readonly known: Known; readonly at: Place; readonly number: number },
    unit: OpenUnit<Tx>,
  ) {
    this.#owner = owner
    this.#lane = lane
    this.#try = attempt
    this.#unit = unit
  }

  async settle(): Promise<PreviewedLane> {
    const { settings } = this.#owner
    const ledger = new LaneLedger(settings.changes)
    const own = { ...settings, changes: ledger.ledger }
    await this.#settleAll('before', { ...this.#owner, settings: own })
    ledger.release()
    await this.#settleAll('released', { ...this.#owner, settings: { ...own, closedPeriods: undefined } })
    return {
      ...nothingFound,
      differences: inOrder(merged(this.#differences), this.#lane.employeeIds),
      outcomes: this.#outcomes,
      leftOut: this.#leftOut(ledger.stages),
    }
  }

  async #settleAll(pass: Pass, owner: SettleOwner<Tx>): Promise<void> {
    const { calculator, control, settings } = owner
    const { known, at, number } = this.#try
    const { employees, days: usual } = calculator?.shape ?? settings.block
    const longest = Math.max(usual, Math.floor((employees * usual) / this.#lane.employeeIds.length))
    const periodStages = new Set(settings.wholePass.periodStages.map(({ name }) => name))
    const onChanges = (changes: readonly ValueChange[]) => {
      if (pass === 'before') return
      for (const change of changes) this.#differences.push(differenceOf(change, periodStages.has(change.stage)))
    }
    let days = usual
    for (;;) {
      control.signal.throwIfAborted()
      at.block = ''
      const task = {
        attempt: number,
        limitsFrom: (first: number) => {
          at.block = `${pass} ${first}`
          at.limits = known.get(at.block)?.limits ?? { days }
          return at.limits
        },
        known: () => known.get(at.block)?.failed ?? new Map(),
        onFailed: (failures: ReadonlyMap<string, RecalcFailure>) => {
          at.failed = failures
        },
        onChanges,
      }
      const { outcome } = await settleInUnit(owner, this.#lane, task, this.#unit)
      if (pass === 'released') this.#outcomes.push({ outcome: outcomeOf(outcome), failedBehind: 0 })
      if (outcome.isDone) return
      days = Math.min(longest, at.limits.days * 2)
    }
  }

  /** The tenant stages that would run behind it, with those that read what these write. */
  #leftOut(due: ReadonlySet<string>): readonly string[] {
    const { pipeline } = this.#owner.settings
    const all = new Set(due)
    return pipeline.tenantStages
      .filter(({ name, writes }) => {
        if (!all.has(name)) return false
        for (const reader of tenantReaders(pipeline, writes)) all.add(reader)
        return true
      })
      .map(({ name }) => name)
  }
}

function outcomeOf({ days, failedDays, changed, skipped, failures, periods }: SettledBlock): BlockOutcome {
  const processed = days - failedDays
  return { processed, unchanged: processed - changed, skipped, failed: failedDays, failures, periods }
}

/** A period may change more than once, where days behind it in turn change days of it: what counts is the first and the last. */
function merged(differences: readonly DayDifference[]): readonly DayDifference[] {
  const found = new Map<string, DayDifference>()
  for (const difference of differences) {
    const key = bookingKey(difference.stage, difference.employeeId, datesOf(difference).from)
    const first = found.get(key)
    found.set(key, first ? followedBy(first, difference) : difference)
  }
  return [...found.values()].filter(({ before, after }) => !isSame(before, after))
}
