import type { RunIdentity } from '../pipeline/context.ts'
import type { BlockCalculator } from './blocks/block-calculator.ts'
import type { EventLoop } from './event-loop.ts'
import type { RecalcFailure } from './failure.ts'
import type { HistoryRun } from './history/history-store.ts'
import type { LaneJournal } from './journal.ts'
import type { RunCalendar } from './plan/run-calendar.ts'
import type { RunPlan } from './plan/run-plan.ts'
import type { RunControl } from './run-control.ts'
import type { RunSettings } from './run-settings.ts'
import type { ThrottleGate } from './throttle.ts'
import type { UnitRank } from './units/unit-slots.ts'

/** What is noted of a run. */
interface RunMarks {
  /** It is noted that the tenant stages are due. */
  areStagesMarked: boolean
}

/** What everything in a run that goes on shares. */
export interface ActiveRun<Tx> {
  readonly plan: RunPlan
  readonly identity: RunIdentity
  /** How the run is called in the history. */
  readonly history: HistoryRun
  readonly settings: RunSettings<Tx>
  readonly control: RunControl
  readonly journal: LaneJournal<Tx>
  /** Undefined when the run has no days to calculate, only tenant stages. */
  readonly calculator: BlockCalculator<Tx> | undefined
  readonly rank: UnitRank
  /** Holds the run up between units of work; undefined: nothing does. */
  readonly throttle: ThrottleGate | undefined
  readonly eventLoop: EventLoop
  readonly calendar: RunCalendar
  /** The service's clock, as calculators get it. */
  readonly now: () => Date
  /** What is noted of the run once, whichever lane comes first. */
  readonly marks: RunMarks
  /** Something failed, whether the run goes on or not. */
  onFailures(failures: readonly RecalcFailure[]): void
}
