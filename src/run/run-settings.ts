import type { Clock } from '../calendar/clock.ts'
import type { Logger } from '../pipeline/context.ts'
import type { BlockShape } from './blocks/block-calculator.ts'
import type { BlockLedger } from './blocks/block-ledger.ts'
import type { CorrectionStore } from './corrections/correction-store.ts'
import type { HistoryStore } from './history/history-store.ts'
import type { ClosedPeriods, EmployeeRepository } from './plan/host-contracts.ts'
import type { Zones } from './plan/zones.ts'
import type { Telemetry } from './telemetry.ts'
import type { RetryPolicy } from './units/backoff.ts'
import type { UnitOfWork } from './units/unit-of-work.ts'
import type { UnitSlots } from './units/unit-slots.ts'
import type { UnitWatchdog } from './units/unit-watchdog.ts'

/** What every run of a service works with. */
export interface RunSettings<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly employees: EmployeeRepository
  readonly closedPeriods: ClosedPeriods<Tx> | undefined
  readonly zones: Zones
  /** The time of day at which days begin, of runs that are new. */
  readonly dayStartsAt: string
  readonly concurrency: number
  readonly block: BlockShape
  readonly retry: RetryPolicy
  /** The longest that one call of a stage's own code may take. */
  readonly stageTimeoutMs: number | undefined
  /** The longest that a call outside a unit of work may take, of the host's repository or of the job store. */
  readonly callTimeoutMs: number
  /** The most units of work that are open at once, of all runs together. */
  readonly slots: UnitSlots
  /** One for each service. */
  readonly watchdog: UnitWatchdog
  /** Changes that were noted: a run takes those of its days with it. */
  readonly ledger: BlockLedger<Tx> | undefined
  /** Where is kept what runs change; undefined: nowhere. */
  readonly history: HistoryStore<Tx> | undefined
  /** Where is kept which corrections were taken over; undefined: nowhere. */
  readonly corrections: CorrectionStore<Tx> | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** Undefined: nobody observes what the service does. */
  readonly telemetry: Telemetry | undefined
  /** Takes what is to be called after a commit that somebody else makes. Left out: it is called. */
  readonly deferCalls?: (calls: readonly (() => unknown)[]) => void
}
