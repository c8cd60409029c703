import type { Clock } from '../calendar/clock.ts'
import type { Logger } from '../pipeline/context.ts'
import type { ClosedPeriods, EmployeeRepository } from './plan/host-contracts.ts'
import type { RetryPolicy } from './retry.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** The most that is loaded, locked and saved at once. */
export interface BlockShape {
  readonly employees: number
  readonly days: number
}

/** What every run of a service works with. */
export interface RunSettings<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>
  readonly employees: EmployeeRepository
  readonly closedPeriods: ClosedPeriods<Tx> | undefined
  readonly concurrency: number
  readonly block: BlockShape
  readonly retry: RetryPolicy
  readonly stageTimeoutMs: number | undefined
  readonly clock: Clock
  readonly logger: Logger
}
