import type { Block } from '../../pipeline/employee-day.ts'
import type { ActiveRun } from '../active-run.ts'
import type { RecalcFailure } from '../failure.ts'
import { BlockHistory } from '../history/block-history.ts'
import type { HistoryRun } from '../history/history-store.ts'
import type { AfterCommit } from '../journal.ts'
import type { RunPlan } from '../plan/run-plan.ts'
import type { PeriodCounters } from '../result.ts'
import { lockInBackend } from '../units/employee-locks.ts'
import { inUnitOfWork, type OpenUnit, type UnitOwner } from '../units/unit-runner.ts'
import { type BlockCalculator, type BlockUnit, FailedAfterSave } from './block-calculator.ts'
import { BlockDays } from './block-days.ts'
import { type CalcOwner, calcContext } from './calc-context.ts'
import { closeDays, isClosedUnknown } from './closed-periods.ts'
import { BlockPeriods, type FailingPeriods, type RunPeriods } from './periods/block-periods.ts'
import { thrownBy } from './stage-failure.ts'

const none: readonly RecalcFailure[] = []

/** What a block came to, before it is written down. */
export interface BlockOutcome {
  readonly processed: number
  readonly unchanged: number
  readonly skipped: number
  /** Days that failed, and those of the block that are blocked by them. */
  readonly failed: number
  /** Also of periods. */
  readonly failures: readonly RecalcFailure[]
  /** Undefined where no period is to be calculated. */
  readonly periods: PeriodCounters | undefined
}

/** One block of a lane. */
export interface BlockTask<Tx> {
  readonly block: Block
  readonly lockKeys: readonly string[]
  /** Days that are known to fail, by number: they are left as they are. */
  readonly known: ReadonlyMap<number, RecalcFailure>
  /** How far the periods go that are to be calculated with it; undefined: none is. */
  readonly periods: RunPeriods | undefined
  /** Of periods, what is known to fail. */
  readonly failingPeriods: readonly FailingPeriods[]
  /** Only periods are calculated, no day. */
  readonly isPeriodsOnly: boolean
  /** Writes the outcome down, inside the unit of work. */
  record(tx: Tx, outcome: BlockOutcome): Promise<AfterCommit | undefined>
}

/** Does one block in one unit of work, whole or not at all. */
export async function runBlock<Tx>(
  owner: UnitOwner<Tx>,
  calculator: BlockCalculator<Tx>,
  task: BlockTask<Tx>,
  attempt: number,
): Promise<BlockOutcome> {
  const { unitOfWork } = owner.run.settings
  let { known } = task
  for (;;) {
    let days: BlockDays | undefined
    try {
      return await inUnitOfWork(owner, task.lockKeys, async (unit) => {
        // The transaction may have begun for another time.
        days = daysOf(calculator, task)
        const { outcome, settled } = await calculateBlock(
          owner.run,
          calculator,
          days,
          { known, isPeriodsOnly: task.isPeriodsOnly },
          unit,
          attempt,
        )
        const marking = markTenantStages(owner.run, unit.tx, outcome)
        const marked = marking && (await marking)
        const recorded = await task.record(unit.tx, outcome)
        unit.committed = settled || marked ? inTurn([settled, marked, recorded]) : recorded
        return outcome
      })
    } catch (error) {
      if (!(error instanceof FailedAfterSave)) throw error
      // Where nobody can tell whether the transaction lives on, such an error may be its end, and no fault of the day.
      if (!unitOfWork.failureOf && unitOfWork.isTransient(thrownBy(error.cause))) throw error.cause
      known = days?.failures ?? known
    }
  }
}

/** The days of a block, none of them calculated yet. */
export function daysOf<Tx>(
  calculator: BlockCalculator<Tx>,
  task: Pick<BlockTask<Tx>, 'block' | 'periods' | 'failingPeriods' | 'isPeriodsOnly'>,
): BlockDays {
  const { blocksLater, periodStages } = calculator
  const { block, isPeriodsOnly: clean, failingPeriods } = task
  if (!periodStages || !task.periods) return new BlockDays(block, { blocksLater, clean })
  const periods = new BlockPeriods(periodStages, block, { run: task.periods, failing: failingPeriods })
  return new BlockDays(block, { blocksLater, clean, periods })
}

/** Calculates a block in an open unit of work, and takes the changes that were noted of it. */
export async function calculateBlock<Tx>(
  run: CalcOwner<Tx> & { readonly plan: RunPlan; readonly history?: HistoryRun },
  calculator: BlockCalculator<Tx>,
  days: BlockDays,
  { known, isPeriodsOnly }: Pick<BlockTask<Tx>, 'known' | 'isPeriodsOnly'>,
  unit: OpenUnit<Tx>,
  attempt: number,
  listener?: Pick<BlockUnit<Tx>, 'onChanges' | 'unchanged'>,
): Promise<{ readonly outcome: BlockOutcome; readonly settled: AfterCommit | undefined }> {
  const { settings, plan } = run
  const { tenantId, employeeIds, dates } = days.block
  await lockInBackend(settings, unit.tx, tenantId, employeeIds.length > 1 ? employeeIds.toSorted() : employeeIds)
  const context = calcContext(run, unit, attempt)
  if (settings.closedPeriods && !isClosedUnknown(known)) await closeDays(run, days, { context, monitor: unit })
  for (const [day, failure] of known) days.fail(day, failure)
  const taking = isPeriodsOnly ? undefined : settings.ledger?.take(unit.tx, days, run)
  const changes = taking && (await taking)
  const { clearExisting } = plan
  const { cascade } = changes ?? {}
  const history = settings.history && new BlockHistory(settings.history)
  const { onChanges, unchanged } = listener ?? { onChanges: history?.onChanges }
  const changed = await calculator.calculate(days, {
    context,
    monitor: unit,
    clearExisting,
    cascade,
    onChanges,
    unchanged,
  })
  if (history && run.history) await history.keep(unit.tx, { tenantId, at: settings.clock.now(), run: run.history })
  const settled = changes && (await changes.settle(changed))
  const { skipped, failed, periods } = days
  const processed = employeeIds.length * dates.length - skipped - failed
  const isWithoutFailure = days.failures.size + (periods?.failures.length ?? 0) === 0
  const failures = isWithoutFailure ? none : [...days.failures.values(), ...(periods?.failures ?? [])]
  const counters = periods?.counters
  if (isPeriodsOnly) return { outcome: { ...noDays, failures, periods: counters }, settled }
  return {
    outcome: { processed, unchanged: processed - changed, skipped, failed, failures, periods: counters },
    settled,
  }
}

const noDays = { processed: 0, unchanged: 0, skipped: 0, failed: 0 }

/** Notes that tenant stages are due, once a run has changed something. */
function markTenantStages<Tx>(
  run: ActiveRun<Tx>,
  tx: Tx,
  { processed, unchanged, periods }: BlockOutcome,
): Promise<AfterCommit | undefined> | undefined {
  const hasChanged = processed > unchanged || (periods !== undefined && periods.processed > periods.unchanged)
  if (run.marks.areStagesMarked || !hasChanged) return undefined
  return run.settings.ledger?.markTenantStages(tx, run.plan)?.then((marked) => () => {
    run.marks.areStagesMarked = true
    marked?.()
  })
}

function inTurn(calls: readonly (AfterCommit | undefined)[]): AfterCommit {
  return () => {
    for (const call of calls) call?.()
  }
}
