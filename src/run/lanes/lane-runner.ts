import type { IsoDate } from '../../calendar/iso-date.ts'
import { BackendUnavailableError, ContractError, LeaseLostError } from '../../errors.ts'
import type { ActiveRun } from '../active-run.ts'
import type { BlockCalculator } from '../blocks/block-calculator.ts'
import { blockOf } from '../blocks/block-days.ts'
import { type BlockOutcome, runBlock } from '../blocks/block-runner.ts'
import type { FailingPeriods } from '../blocks/periods/block-periods.ts'
import { isFatal, StageFailure, thrownBy } from '../blocks/stage-failure.ts'
import { type Step, StepSavedBefore } from '../checkpoint.ts'
import { failureOf, type RecalcFailure } from '../failure.ts'
import { dayCounts, type Operation, type OperationEnd, observed } from '../telemetry.ts'
import { backOff } from '../units/attempts.ts'
import { type UnitOwner, withUnits } from '../units/unit-runner.ts'
import type { Lane } from './lane.ts'

const nothingKnown: ReadonlyMap<number, RecalcFailure> = new Map()

/**
 * Works a lane off, block by block, until it is done or the run stops.
 *
 * An error that is not transient is halved down to the employees and days that cause it: first the lane is split, then
 * the last employee's dates are taken fewer at a time. What fails on its own day is recorded, the rest is done.
 *
 * @throws what ends the whole run: a backend that stays away, a broken contract, a lost lease.
 */
export function runLane<Tx>(run: ActiveRun<Tx>, calculator: BlockCalculator<Tx>, lane: Lane): Promise<void> {
  return withUnits(run, (owner) => runBlocks(owner, calculator, lane))
}

async function runBlocks<Tx>(owner: UnitOwner<Tx>, calculator: BlockCalculator<Tx>, lane: Lane): Promise<void> {
  const { control, eventLoop, throttle, journal } = owner.run
  const longest = calculator.shape.days
  let limit = longest
  // What throws for a whole block: its periods are left as they are, and the days are done without them.
  let failing: readonly FailingPeriods[] = []
  while (!lane.finished && !control.stopped) {
    const turn = eventLoop.yieldIfDue()
    if (turn) await turn
    const held = throttle?.pass(control, (reason) => journal.waiting(reason))
    if (held) await held
    if (control.stopped) return
    const dates = lane.nextDates(limit)
    try {
      const committed = await commitBlock(owner, calculator, lane, dates, nothingKnown, failing)
      if (!committed) return
      limit = longest
      failing = []
    } catch (thrown) {
      if (control.stopped) return
      if (endsRun(thrown)) throw thrown
      if (lane.employees.length > 1) return await runHalves(owner, calculator, lane)
      const found = failingPeriodsOf(calculator, thrown, failing)
      if (found) failing = [...failing, found]
      else if (dates.length > 1 && !lane.isPeriodsOnly) limit = Math.ceil(dates.length / 2)
      else {
        const known = new Map([[0, dayFailure(thrown, lane, dates[0] as IsoDate)]])
        const all = lane.isPeriodsOnly ? calculator.periodStages : undefined
        await commitBlock(
          owner,
          calculator,
          lane,
          dates,
          known,
          all?.map(({ name: stage }) => ({ stage, thrown })) ?? failing,
        )
      }
    }
  }
}

/** The period stage that threw, if it was one that is not known to fail. */
export function failingPeriodsOf<Tx>(
  { periodStages }: BlockCalculator<Tx>,
  thrown: unknown,
  known: readonly FailingPeriods[],
): FailingPeriods | undefined {
  if (!(thrown instanceof StageFailure) || known.some(({ stage }) => stage === thrown.stage)) return undefined
  return periodStages?.some(({ name }) => name === thrown.stage) ? { stage: thrown.stage, thrown } : undefined
}

async function runHalves<Tx>(owner: UnitOwner<Tx>, calculator: BlockCalculator<Tx>, lane: Lane): Promise<void> {
  const { run } = owner
  const halves = lane.split()
  await run.journal.splitLane(
    lane.id,
    halves.map(({ checkpoint }) => checkpoint),
  )
  for (const half of halves) await runBlocks(owner, calculator, half)
}

async function commitBlock<Tx>(
  owner: UnitOwner<Tx>,
  calculator: BlockCalculator<Tx>,
  lane: Lane,
  dates: readonly IsoDate[],
  known: ReadonlyMap<number, RecalcFailure>,
  failingPeriods: readonly FailingPeriods[] = [],
): Promise<boolean> {
  const { run } = owner
  const { lockKeys } = lane
  const { telemetry } = run.settings
  // Of the last attempt that got as far as its commit.
  let saved: { readonly step: Step; readonly outcome: BlockOutcome } | undefined
  const record = async (tx: Tx, outcome: BlockOutcome) => {
    const step = lane.stepOf(dates, outcome)
    const afterCommit = await run.journal.save(tx, saved ? { ...step, repeated: true } : step)
    saved = { step, outcome }
    return afterCommit
  }
  const block = blockOf(lane.tenantId, lane.employeeIds, dates)
  const { isPeriodsOnly } = lane
  const periods = calculator.periodStages && lane.periods
  const task = { block, lockKeys, known, periods, failingPeriods, isPeriodsOnly, record }
  for (let number = 1; ; number++) {
    if (run.control.stopped) return false
    try {
      const work = () => runBlock(owner, calculator, task, number)
      await observed(telemetry, blockOperation(lane, number), work, daysOfBlock)
      break
    } catch (thrown) {
      if (thrown instanceof StepSavedBefore) break
      await backOff('block', run, number, thrown)
    }
  }
  if (!saved) return false
  const { step, outcome } = saved
  const last = lane.employees.at(-1)
  lane.advance(dates, outcome)
  run.journal.committed(step, last)
  telemetry?.record({ type: 'days', kind: run.plan.kind, days: dayCounts(outcome) })
  if (step.failures.length > 0) run.onFailures(step.failures)
  return true
}

/** An attempt of a block, as telemetry sees it. */
function blockOperation({ tenantId, employeeIds }: Lane, attempt: number): () => Operation {
  return () => ({ type: 'block', tenantId, employees: employeeIds.length, attempt })
}

function daysOfBlock(outcome: BlockOutcome): OperationEnd {
  return { days: dayCounts(outcome) }
}

function dayFailure(thrown: unknown, lane: Lane, date: IsoDate): RecalcFailure {
  const [employeeId] = lane.employeeIds as [string]
  const attempts = thrown instanceof BackendUnavailableError ? thrown.attempts : 1
  return failureOf(thrown, { employeeId, date, stage: 'commit' }, attempts)
}

/**
 * True for errors that no smaller block would be spared: a broken contract, a lost lease, a backend that stays away. What a
 * stage's own code throws may be the fault of a single day, whatever its class.
 */
export function endsRun(thrown: unknown): boolean {
  if (thrown instanceof StageFailure) return isFatal(thrown.cause)
  const error = thrownBy(thrown)
  return error instanceof ContractError || error instanceof LeaseLostError || error instanceof BackendUnavailableError
}
