import type { RunIdentity } from '../pipeline/context.ts'
import type { Selection } from '../pipeline/selection.ts'
import { DAILY_CALC } from '../pipeline/stage-shape.ts'
import type { ActiveRun } from './active-run.ts'
import { calculatorOf } from './blocks/calculator-of.ts'
import { EventLoop } from './event-loop.ts'
import { causeOf } from './failure.ts'
import type { LaneJournal } from './journal.ts'
import { runCalendar } from './plan/run-calendar.ts'
import type { RunPlan } from './plan/run-plan.ts'
import type { RunControl } from './run-control.ts'
import type { RunSettings } from './run-settings.ts'
import type { ThrottleGate } from './throttle.ts'
import type { UnitRank } from './units/unit-slots.ts'

/** What is needed to work on a run: on the whole of it, or on one of its lanes. */
export interface RunWork<Tx> {
  readonly id: string
  /** `null`: there is no job. */
  readonly jobId: string | null
  readonly reason: string | null
  readonly plan: RunPlan
  readonly selection: Selection<Tx>
  readonly settings: RunSettings<Tx>
  readonly control: RunControl
  readonly journal: LaneJournal<Tx>
  readonly rank: UnitRank
  /** Default: nothing holds the run up. */
  readonly throttle?: ThrottleGate | undefined
}

/** What everything in a run shares, as it begins. */
export function beginRun<Tx>(work: RunWork<Tx>): ActiveRun<Tx> {
  const { id, jobId, reason, plan, selection, settings, control, journal, rank, throttle } = work
  const identity: RunIdentity = Object.freeze({ id, kind: plan.kind, from: plan.from, to: plan.to })
  return {
    plan,
    identity,
    history: { id, kind: plan.kind, jobId, reason, actor: plan.actor ?? null },
    settings,
    control,
    journal,
    calculator: calculatorOf(selection, blockDaysOf(plan), settings),
    rank,
    throttle,
    eventLoop: new EventLoop(),
    // Room for everybody in the blocks that are open at once.
    calendar: runCalendar(settings.zones, plan, {
      stopping: () => control.signal,
      most: settings.block.employees * settings.concurrency,
    }),
    now: () => new Date(settings.clock.now()),
    // Where there is none, there is nothing to mark.
    marks: { areStagesMarked: selection.tenantStages.length === 0 },
    onFailures: ([first]) => {
      if (!first || plan.onError !== 'fail-fast') return
      control.stop({ status: 'failed', cause: causeOf(first), failure: first })
    },
  }
}

/** The most dates of a block of a `dailyCalc`, as they were when the run was made. */
function blockDaysOf({ stages }: RunPlan): number {
  return stages.find(({ name }) => name === DAILY_CALC)?.blockDays ?? 1
}
