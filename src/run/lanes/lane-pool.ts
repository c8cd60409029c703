import type { ActiveRun } from '../active-run.ts'
import type { BlockCalculator } from '../blocks/block-calculator.ts'
import type { Lane } from './lane.ts'
import { runLane } from './lane-runner.ts'
import { scheduleLanes } from './lane-scheduler.ts'

/** A page of employees makes so many lanes for each that runs: writing down which are open then costs next to nothing. */
const LANES_PER_PAGE = 4

/** Where the lanes of a run are calculated. */
export interface LanePool {
  /** How many lanes are opened at a time. */
  readonly lanesPerPage: number
  /**
   * Has lanes calculated side by side, until all are done or the run stops.
   *
   * @returns whether every lane was finished.
   */
  run(lanes: AsyncIterable<Lane> | Iterable<Lane>): Promise<boolean>
}

/** Lanes are calculated by this process alone. */
export function ownLanes<Tx>(run: ActiveRun<Tx>, calculator: BlockCalculator<Tx>): LanePool {
  const { control, settings } = run
  const { concurrency } = settings
  return {
    lanesPerPage: concurrency * LANES_PER_PAGE,
    run: (lanes) => scheduleLanes(lanes, { concurrency, control, runLane: (lane) => runLane(run, calculator, lane) }),
  }
}
