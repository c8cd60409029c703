import type { Logger } from '../../pipeline/context.ts'
import type { LanePointer } from './lane-store.ts'

/**
 * What became of a pointer. `done`: nobody has to get it again. `refused`: this process does not have the stages of its job, so
 * another one is to get it.
 */
export type LaneAnswer = 'done' | 'refused'

/** Does what a pointer points to; never rejects. */
export type LaneHandler = (pointer: LanePointer) => Promise<LaneAnswer>

/**
 * Carries pointers to lanes from the workers of jobs to whoever calculates lanes, in this process or another. Each service has
 * one of its own.
 *
 * It need not be reliable: a pointer may arrive twice, late, in any order or never. What is lost is sent again, and what arrives
 * too often does nothing.
 */
export interface LaneDispatcher {
  /**
   * Sends pointers on their way. Rejects when they cannot be sent; the service then calculates lanes by itself, and tries
   * again.
   */
  dispatch(pointers: readonly LanePointer[]): Promise<void>

  /**
   * Calls `handler` with pointers that arrive, at most `concurrency` at once. Called once. What does not work is logged and
   * tried again.
   */
  work(handler: LaneHandler, options: { readonly concurrency: number; readonly logger: Logger }): void

  /**
   * Takes no more pointers, waits for the handlers in flight, and lets go of everything. It ends in any case, whoever does not
   * answer.
   */
  stop(): Promise<void>
}
