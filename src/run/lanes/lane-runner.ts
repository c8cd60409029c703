import type { IsoDate } from '../../calendar/iso-date.ts'
import { BackendUnavailableError, ContractError, LeaseLostError, PipelineError } from '../../errors.ts'
import { attempt } from '../attempts.ts'
import { blockOf } from '../blocks/block-days.ts'
import { type BlockOutcome, type BlockWork, runBlock } from '../blocks/block-runner.ts'
import { thrownBy } from '../blocks/stage-failure.ts'
import { type Step, StepSavedBefore } from '../checkpoint.ts'
import { employeeLocks } from '../employee-locks.ts'
import type { Breathing } from '../event-loop.ts'
import type { RunJournal } from '../journal.ts'
import { failureOf, type RecalcFailure } from '../result.ts'
import type { Lane } from './lane.ts'

/** What the lanes of a run share. */
export interface LaneRun<Tx> extends BlockWork<Tx> {
  readonly journal: RunJournal<Tx>
  readonly breathing: Breathing
  newLaneId(): number
  /** A day failed, whether the run goes on or not. */
  onFailures(failures: readonly RecalcFailure[]): void
}

const nothingKnown: ReadonlyMap<number, RecalcFailure> = new Map()

/**
 * Works a lane off, block by block, until it is done or the run stops.
 *
 * An error that is not transient is halved down to the employees and days that cause it: first the lane is split, then
 * the last employee's dates are taken fewer at a time. What fails on its own day is recorded, the rest is done.
 *
 * @throws what ends the whole run: a backend that stays away, a broken contract, a lost lease.
 */
export async function runLane<Tx>(run: LaneRun<Tx>, lane: Lane): Promise<void> {
  const { settings, control, selection } = run
  const longest = selection.dailyCalc ? 1 : settings.block.days
  let limit = longest
  while (!lane.finished && !control.stopped) {
    const pending = run.breathing.breathe()
    if (pending) await pending
    const dates = lane.nextDates(limit)
    try {
      const committed = await commitBlock(run, lane, dates, nothingKnown)
      if (!committed) return
      limit = longest
    } catch (thrown) {
      if (control.stopped) return
      if (endsRun(thrown)) throw thrown
      if (lane.employees.length > 1) return await runHalves(run, lane)
      if (dates.length > 1) limit = Math.ceil(dates.length / 2)
      else await commitBlock(run, lane, dates, new Map([[0, dayFailure(thrown, lane, dates[0] as IsoDate)]]))
    }
  }
}

async function runHalves<Tx>(run: LaneRun<Tx>, lane: Lane): Promise<void> {
  const halves = lane.split(run.newLaneId)
  if (lane.id !== 0) {
    const open = halves.map(({ id, employeeIds, datesDone }) => ({ id, employeeIds, datesDone }))
    await run.journal.splitLane(lane.id, open)
  }
  for (const half of halves) await runLane(run, half)
}

async function commitBlock<Tx>(
  run: LaneRun<Tx>,
  lane: Lane,
  dates: readonly IsoDate[],
  known: ReadonlyMap<number, RecalcFailure>,
): Promise<boolean> {
  const locks = employeeLocks(run.settings.unitOfWork)
  const block = blockOf(lane.tenantId, lane.employeeIds, dates)
  // Of the last attempt that got as far as its commit.
  let saved: { readonly step: Step; readonly outcome: BlockOutcome } | undefined
  const record = async (tx: Tx, outcome: BlockOutcome) => {
    const step = lane.stepOf(dates, outcome)
    const afterCommit = await run.journal.save(tx, saved ? { ...step, repeated: true } : step)
    saved = { step, outcome }
    return afterCommit
  }
  const task = { block, blocked: lane.blocked, known, record }
  const done = await attempt('block', run, async (number) => {
    // Waiting for other runs happens here, before the unit of work holds a connection.
    const turn = locks.acquire(lane.lockKeys, run.control)
    if (turn) await turn
    try {
      await runBlock(run, task, number)
    } catch (error) {
      if (!(error instanceof StepSavedBefore)) throw error
    } finally {
      locks.release(lane.lockKeys)
    }
    return true
  })
  if (!done || !saved) return false
  const { step, outcome } = saved
  lane.advance(dates, outcome.failures, run.selection.daysBuildOnEarlier)
  run.journal.committed(step, lane.employees.at(-1))
  if (outcome.failures.length > 0) run.onFailures(outcome.failures)
  return true
}

function dayFailure(thrown: unknown, lane: Lane, date: IsoDate): RecalcFailure {
  const [employeeId] = lane.employeeIds as [string]
  return failureOf(thrown, { employeeId, date, stage: 'commit' })
}

/**
 * True for errors that no smaller block would be spared: a broken contract, a lost lease, a backend that stays away. What
 * else the library throws, such as `dateOf` on a bad instant, may be the fault of a single day.
 */
export function endsRun(thrown: unknown): boolean {
  const error = thrownBy(thrown)
  return (
    error instanceof ContractError ||
    error instanceof PipelineError ||
    error instanceof LeaseLostError ||
    error instanceof BackendUnavailableError
  )
}
