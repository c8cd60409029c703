import type { AfterCommit } from '../journal.ts'
import type { RunCalendar } from '../plan/run-calendar.ts'
import type { RunPlan } from '../plan/run-plan.ts'
import type { BlockDays } from './block-days.ts'
import type { Cascade } from './cascade.ts'

/** The run that takes changes. */
export interface LedgerRun {
  readonly plan: RunPlan
  readonly calendar: RunCalendar
}

/** Changes that were noted, as a run meets them: what it calculates need not be calculated once more because of them. */
export interface BlockLedger<Tx> {
  /**
   * Reads the changes of a block's days, in its unit of work, once its employees are locked. Undefined for a run that
   * recalculates only a part of what a change touches: it leaves the changes to others. Undefined at once where there are
   * no changes, and nothing could follow.
   */
  take(tx: Tx, days: BlockDays, run: LedgerRun): Promise<BlockChanges | undefined> | undefined
  /**
   * Notes that the tenant stages of a run are due, in the unit of work of the first block that changes anything: should the run
   * end before it gets to them, the next run or settle does.
   */
  markTenantStages(tx: Tx, plan: RunPlan): Promise<AfterCommit | undefined> | undefined
  /** Removes the notes that a tenant stage is to run, in the unit of work in which it does. */
  takeTenantStage(tx: Tx, tenantId: string, stage: string): Promise<AfterCommit | undefined>
}

/** The changes of one block. */
export interface BlockChanges {
  /** Undefined for a run of only some stages. */
  readonly cascade: Cascade | undefined
  /**
   * Removes the changes that are dealt with, and notes what follows from values that did change.
   *
   * @param changed How many days did.
   */
  settle(changed: number): Promise<AfterCommit | undefined>
}
