import type { RecalcBackend } from '../jobs/job-store.ts'
import type { UnitOfWork } from '../run/unit-of-work.ts'
import { MemoryJobStore } from './memory-job-store.ts'
import { memoryUnitOfWork } from './memory-unit-of-work.ts'

/** How much is remembered, and where the derived data lives. */
export interface MemoryBackendOptions<Tx> {
  /** Where calculators read and write, such as `sqlUnitOfWork(kysely)`. Default: none, `tx` is undefined. */
  readonly unitOfWork?: UnitOfWork<Tx>
  /** Finished jobs beyond this number are forgotten, oldest first. Default 100. */
  readonly maxJobs?: number
  /** Events of one job beyond this number are forgotten, oldest first. Default 10,000. */
  readonly maxEvents?: number
}

/**
 * Jobs in the memory of this process: gone when it ends. Services that share one backend see each other's jobs and take
 * turns per employee.
 *
 * @throws {InvalidOptionsError} for a limit that is no whole number from 1.
 */
export function memoryBackend<Tx = undefined>(options: MemoryBackendOptions<Tx> = {}): RecalcBackend<Tx> {
  return {
    // Without a unit of work of the host's, Tx is undefined, which is what this one hands out.
    unitOfWork: options.unitOfWork ?? (memoryUnitOfWork() as UnitOfWork<never>),
    jobs: new MemoryJobStore(options),
  }
}
