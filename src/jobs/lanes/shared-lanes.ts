import type { LaneDispatcher } from './lane-dispatcher.ts'
import type { LanePointer, LaneStore } from './lane-store.ts'

/** What a job needs whose lanes any process may calculate. */
export interface SharedLanes<Tx> {
  readonly lanes: LaneStore<Tx>
  readonly dispatcher: Pick<LaneDispatcher, 'dispatch'>
  /** Has this process calculate a lane, by itself. */
  calculateHere(pointer: LanePointer): void
  /** Calls `listener` when a lane that this process calculated is over; returns what ends that. */
  onLaneOver(listener: () => void): () => void
}
