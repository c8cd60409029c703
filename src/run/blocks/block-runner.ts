import type { Block } from '../../pipeline/employee-day.ts'
import type { ActiveRun } from '../active-run.ts'
import type { RecalcFailure } from '../failure.ts'
import type { AfterCommit } from '../journal.ts'
import type { RunSettings } from '../run-settings.ts'
import { lockInBackend } from '../units/employee-locks.ts'
import { inUnitOfWork, type OpenUnit, type UnitOwner } from '../units/unit-runner.ts'
import { type BlockCalculator, type BlockUnit, FailedAfterSave } from './block-calculator.ts'
import { BlockDays } from './block-days.ts'
import { calcContext } from './calc-context.ts'
import { askClosed, closedIntervals } from './closed-periods.ts'
import { callStage } from './stage-call.ts'
import { thrownBy } from './stage-failure.ts'

/** The name under which the host's closed periods appear in errors. */
const CLOSED_PERIODS = 'closedPeriods'

const none: readonly RecalcFailure[] = []

/** What a block came to, before it is written down. */
export interface BlockOutcome {
  readonly processed: number
  readonly unchanged: number
  readonly skipped: number
  /** Days that failed, and those of the block that are blocked by them. */
  readonly failed: number
  readonly failures: readonly RecalcFailure[]
}

/** One block of a lane. */
export interface BlockTask<Tx> {
  readonly block: Block
  readonly lockKeys: readonly string[]
  /** Days that are known to fail, by number: they are left as they are. */
  readonly known: ReadonlyMap<number, RecalcFailure>
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
    const days = new BlockDays(task.block, calculator)
    try {
      return await inUnitOfWork(owner, task.lockKeys, async (unit) => {
        const { outcome, settled } = await calculate(owner.run, calculator, days, known, unit, attempt)
        const recorded = await task.record(unit.tx, outcome)
        unit.committed = settled ? bothOf(settled, recorded) : recorded
        return outcome
      })
    } catch (error) {
      if (!(error instanceof FailedAfterSave)) throw error
      // Where nobody can tell whether the transaction lives on, such an error may be its end, and no fault of the day.
      if (!unitOfWork.failureOf && unitOfWork.isTransient(thrownBy(error.cause))) throw error.cause
      known = days.failures
    }
  }
}

async function calculate<Tx>(
  run: ActiveRun<Tx>,
  calculator: BlockCalculator<Tx>,
  days: BlockDays,
  known: ReadonlyMap<number, RecalcFailure>,
  unit: OpenUnit<Tx>,
  attempt: number,
): Promise<{ readonly outcome: BlockOutcome; readonly settled: AfterCommit | undefined }> {
  const { settings, plan } = run
  const { tenantId, employeeIds, dates } = days.block
  await lockInBackend(settings, unit.tx, tenantId, employeeIds.length > 1 ? employeeIds.toSorted() : employeeIds)
  const context = calcContext(run, unit, attempt)
  if (settings.closedPeriods && !isClosedUnknown(known)) await closeDays(run, days, { context, monitor: unit })
  for (const [day, failure] of known) days.fail(day, failure)
  const taking = settings.ledger?.take(unit.tx, days, run)
  const changes = taking && (await taking)
  const { clearExisting } = plan
  const changed = await calculator.calculate(days, { context, monitor: unit, clearExisting, cascade: changes?.cascade })
  const settled = await changes?.settle()
  const { skipped, failed } = days
  const processed = employeeIds.length * dates.length - skipped - failed
  const outcome = {
    processed,
    unchanged: processed - changed,
    skipped,
    failed,
    failures: days.failures.size === 0 ? none : [...days.failures.values()],
  }
  return { outcome, settled }
}

function bothOf(first: AfterCommit, second: AfterCommit | undefined): AfterCommit {
  return () => {
    first()
    second?.()
  }
}

/** Marks the days of a block that are closed now. */
export async function closeDays<Tx>(
  { settings }: { readonly settings: RunSettings<Tx> },
  days: BlockDays,
  unit: Pick<BlockUnit<Tx>, 'context' | 'monitor'>,
): Promise<void> {
  const { closedPeriods } = settings
  if (!closedPeriods) return
  const { tenantId, employeeIds, from, to } = days.block
  const closed = await callStage(CLOSED_PERIODS, 'closed', unit, unit.context, settings, ({ tx }) =>
    askClosed(closedPeriods, { tenantId, employeeIds, from, to }, tx),
  )
  for (const [employee, id] of employeeIds.entries()) days.close(employee, closedIntervals(closedPeriods, closed, id))
}

/** A day that failed because nobody could tell whether it is closed is not asked about again. */
function isClosedUnknown(known: ReadonlyMap<number, RecalcFailure>): boolean {
  return known.values().some(({ stage }) => stage === CLOSED_PERIODS)
}
