import type { RecalcBackend } from '../jobs/job-store.ts'
import type { UnitOfWork } from '../run/units/unit-of-work.ts'
import { MemoryChangeLedger } from './memory-change-ledger.ts'
import { MemoryCorrectionStore } from './memory-correction-store.ts'
import { MemoryJobStore } from './memory-job-store.ts'
import { memoryUnitOfWork } from './memory-unit-of-work.ts'

/** How much is remembered. */
export interface MemoryLimits {
  /** Finished jobs beyond this number are forgotten, oldest first. Default 100. */
  readonly maxJobs?: number
  /** Events of one job beyond this number are forgotten, oldest first. Default 10,000. */
  readonly maxEvents?: number
}

/** How much is remembered, and where the derived data lives. */
export interface MemoryBackendOptions<Tx> extends MemoryLimits {
  /** Where calculators read and write, such as `sqlUnitOfWork(kysely)`. Default: none, `tx` is undefined. */
  readonly unitOfWork: UnitOfWork<Tx>
}

/**
 * Jobs in the memory of this process: gone when it ends. Services that share one backend see each other's jobs and take
 * turns per employee.
 *
 * @throws {InvalidOptionsError} for a limit that is no whole number from 1.
 */
export function memoryBackend<Tx>(options: MemoryBackendOptions<Tx>): RecalcBackend<Tx>
export function memoryBackend(options?: MemoryLimits): RecalcBackend<undefined>
export function memoryBackend(options: Partial<MemoryBackendOptions<unknown>> = {}): RecalcBackend<unknown> {
  const jobs = new MemoryJobStore(options)
  return {
    unitOfWork: options.unitOfWork ?? memoryUnitOfWork(),
    jobs,
    lanes: jobs.lanes,
    changes: new MemoryChangeLedger(),
    corrections: new MemoryCorrectionStore(),
  }
}
