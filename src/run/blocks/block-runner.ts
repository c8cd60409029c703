import { type IsoDate, isIsoDate } from '../../calendar/iso-date.ts'
import { ContractError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { CalcContext } from '../../pipeline/context.ts'
import type { Block } from '../../pipeline/employee-day.ts'
import { DAILY_CALC } from '../../pipeline/pipeline.ts'
import type { Selection } from '../../pipeline/selection.ts'
import { emptyStep, type Step } from '../checkpoint.ts'
import type { AfterCommit } from '../journal.ts'
import type { RecalcFailure } from '../result.ts'
import type { RunControl } from '../run-control.ts'
import type { RunSettings } from '../settings.ts'
import { BlockDays } from './block-days.ts'
import { calculateBlock, FailedAfterSave } from './stage-calculator.ts'
import { callStage } from './stage-call.ts'

/** The name under which the host's closed periods appear in errors. */
const CLOSED_PERIODS = 'closedPeriods'

const none: readonly RecalcFailure[] = []

/** What a block came to, before it is written down. */
export interface BlockOutcome {
  readonly processed: number
  readonly unchanged: number
  readonly skipped: number
  readonly failed: number
  readonly failures: readonly RecalcFailure[]
}

/** Everything that stays the same for the blocks of a run. */
export interface BlockWork<Tx> {
  readonly selection: Selection<Tx>
  readonly clearExisting: boolean
  readonly zone: string
  readonly settings: RunSettings<Tx>
  readonly control: RunControl
  /** The service's clock, as calculators get it. */
  readonly now: () => Date
}

/** What differs from block to block. */
export interface BlockTask<Tx> {
  readonly block: Block
  /** Employees of the block with an earlier failed day that blocks all of these. */
  readonly blocked: ReadonlySet<string>
  /** A failure that is known beforehand, by the number of its day: that day is not tried any more. */
  readonly known: ReadonlyMap<number, RecalcFailure>
  /** Writes the outcome down inside the unit of work. */
  record(tx: Tx, outcome: BlockOutcome): Promise<AfterCommit | undefined>
}

/** Does one block in one unit of work, whole or not at all. */
export async function runBlock<Tx>(work: BlockWork<Tx>, task: BlockTask<Tx>, attempt: number): Promise<BlockOutcome> {
  let known = task.known
  for (;;) {
    const days = new BlockDays(task.block, {
      blocksLater: work.selection.daysBuildOnEarlier,
      blocked: task.blocked,
    })
    let afterCommit: AfterCommit | undefined
    try {
      const outcome = await work.settings.unitOfWork.run(async (tx) => {
        const done = await calculate(work, days, known, tx, attempt)
        afterCommit = await task.record(tx, done)
        return done
      })
      afterCommit?.()
      return outcome
    } catch (error) {
      if (!(error instanceof FailedAfterSave)) throw error
      known = days.failures
    }
  }
}

async function calculate<Tx>(
  work: BlockWork<Tx>,
  days: BlockDays,
  known: ReadonlyMap<number, RecalcFailure>,
  tx: Tx,
  attempt: number,
): Promise<BlockOutcome> {
  const { settings, selection } = work
  const { tenantId, employeeIds, dates } = days.block
  const context: CalcContext<Tx> = {
    tx,
    zone: work.zone,
    signal: work.control.signal,
    attempt,
    logger: settings.logger,
    now: work.now,
  }
  await settings.unitOfWork.lockEmployees(tx, tenantId, employeeIds.toSorted())
  if (settings.closedPeriods && !isClosedUnknown(known)) await closeDays(work, days, context)
  for (const [day, failure] of known) days.fail(day, failure)
  const changed = selection.dailyCalc
    ? await calculateDaily(selection.dailyCalc, days, context, settings)
    : await calculateBlock(days, { selection, clearExisting: work.clearExisting, settings, context })
  const { skipped, failed } = days
  const processed = employeeIds.length * dates.length - skipped - failed
  return {
    processed,
    unchanged: processed - changed,
    skipped,
    failed,
    failures: days.failures.size === 0 ? none : [...days.failures.values()],
  }
}

async function calculateDaily<Tx>(
  dailyCalc: NonNullable<Selection<Tx>['dailyCalc']>,
  days: BlockDays,
  context: CalcContext<Tx>,
  settings: RunSettings<Tx>,
): Promise<number> {
  // A block of a dailyCalc is one employee on one day.
  if (days.hasFailed(0) || days.firstOf(0) === days.endOf(0)) return 0
  const day = days.day(0)
  const change = await callStage(DAILY_CALC, context, settings, (own) => dailyCalc.calculateDay(day, own))
  return change === 'unchanged' ? 0 : 1
}

async function closeDays<Tx>(work: BlockWork<Tx>, days: BlockDays, context: CalcContext<Tx>): Promise<void> {
  const { closedPeriods } = work.settings
  if (!closedPeriods) return
  const { tenantId, employeeIds } = days.block
  const closed = await callStage(CLOSED_PERIODS, context, work.settings, ({ tx }) =>
    closedPeriods.closedThrough({ tenantId, employeeIds }, tx),
  )
  if (!(closed instanceof Map)) refuseClosed(closed)
  for (let employee = 0; employee < employeeIds.length; employee++) {
    const through = closed.get(employeeIds[employee] as string)
    if (through !== undefined) days.close(employee, closedDate(through))
  }
}

function closedDate(date: unknown): IsoDate {
  return isIsoDate(date) ? date : refuseClosed(date)
}

function refuseClosed(answer: unknown): never {
  throw new ContractError(expected('closedThrough(…)', 'a map of employee ids to dates as YYYY-MM-DD', answer))
}

/** A day that failed because nobody could tell whether it is closed is not asked about again. */
function isClosedUnknown(known: ReadonlyMap<number, RecalcFailure>): boolean {
  return known.values().some(({ stage }) => stage === CLOSED_PERIODS)
}

/** The part of a step that a block's outcome gives. */
export function stepOf({ processed, unchanged, skipped, failed, failures }: BlockOutcome): Step {
  return { ...emptyStep, processed, unchanged, skipped, failed, failures }
}
