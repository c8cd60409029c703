import type { IsoDate } from '../../calendar/iso-date.ts'
import { BackendUnavailableError, ContractError, LeaseLostError } from '../../errors.ts'
import type { ActiveRun } from '../active-run.ts'
import type { BlockCalculator } from '../blocks/block-calculator.ts'
import { blockOf } from '../blocks/block-days.ts'
import { type BlockOutcome, runBlock } from '../blocks/block-runner.ts'
import type { FailingPeriods } from '../blocks/periods/block-periods.ts'
import { isMistake, StageFailure, thrownBy } from '../blocks/stage-failure.ts'
import { type Step, StepSavedBefore } from '../checkpoint.ts'
import { failureOf, type RecalcFailure } from '../failure.ts'
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
  const { control, eventLoop } = owner.run
  const longest = calculator.shape.days
  let limit = longest
  while (!lane.finished && !control.stopped) {
    const turn = eventLoop.yieldIfDue()
    if (turn) await turn
    const dates = lane.nextDates(limit)
    try {
      const committed = await commitBlock(owner, calculator, lane, dates, nothingKnown)
      if (!committed) return
      limit = longest
    } catch (thrown) {
      if (control.stopped) return
      if (endsRun(thrown)) throw thrown
      if (lane.employees.length > 1) return await runHalves(owner, calculator, lane)
      const failingPeriods = failingPeriodsOf(calculator, thrown)
      if (failingPeriods) await commitWithout(owner, calculator, lane, dates, failingPeriods)
      else if (dates.length > 1) limit = Math.ceil(dates.length / 2)
      else {
        const known = new Map([[0, dayFailure(thrown, lane, dates[0] as IsoDate)]])
        await commitBlock(owner, calculator, lane, dates, known)
      }
    }
  }
}

/** A period stage that throws for a whole block does so for its periods: the days are done without them. */
async function commitWithout<Tx>(
  owner: UnitOwner<Tx>,
  calculator: BlockCalculator<Tx>,
  lane: Lane,
  dates: readonly IsoDate[],
  failing: readonly FailingPeriods[],
): Promise<void> {
  try {
    await commitBlock(owner, calculator, lane, dates, nothingKnown, failing)
  } catch (thrown) {
    const other = failingPeriodsOf(calculator, thrown)?.find(({ stage }) => failing.every((one) => one.stage !== stage))
    if (owner.run.control.stopped) return
    if (endsRun(thrown) || !other) throw thrown
    await commitWithout(owner, calculator, lane, dates, [...failing, other])
  }
}

/** The period stage that threw, if it was one. */
export function failingPeriodsOf<Tx>(
  { periodStages }: BlockCalculator<Tx>,
  thrown: unknown,
): readonly FailingPeriods[] | undefined {
  if (!(thrown instanceof StageFailure) || !periodStages?.some(({ name }) => name === thrown.stage)) return undefined
  return [{ stage: thrown.stage, thrown }]
}

async function runHalves<Tx>(owner: UnitOwner<Tx>, calculator: BlockCalculator<Tx>, lane: Lane): Promise<void> {
  const { run } = owner
  const halves = lane.split(run.newLaneId)
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
  // Of the last attempt that got as far as its commit.
  let saved: { readonly step: Step; readonly outcome: BlockOutcome } | undefined
  const record = async (tx: Tx, outcome: BlockOutcome) => {
    const step = lane.stepOf(dates, outcome)
    const afterCommit = await run.journal.save(tx, saved ? { ...step, repeated: true } : step)
    saved = { step, outcome }
    return afterCommit
  }
  const block = blockOf(lane.tenantId, lane.employeeIds, dates)
  const { periods, isPeriodsOnly } = lane
  const task = { block, lockKeys, known, periods, failingPeriods, isPeriodsOnly, record }
  for (let number = 1; ; number++) {
    if (run.control.stopped) return false
    try {
      await runBlock(owner, calculator, task, number)
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
  if (step.failures.length > 0) run.onFailures(step.failures)
  return true
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
  if (thrown instanceof StageFailure) return isMistake(thrown.cause)
  const error = thrownBy(thrown)
  return error instanceof ContractError || error instanceof LeaseLostError || error instanceof BackendUnavailableError
}
