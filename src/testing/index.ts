/**
 * For tests: of stages, of backends, and a clock that is turned by hand. `checkStage` needs fast-check.
 *
 * @module recalc-service/testing
 */

export { type BackendConformanceOptions, backendConformance, type ConformanceTest } from './backend-conformance.ts'
export type { BackendPromise, HostRows } from './conformance/conformance-case.ts'
export { expectSettled, type FullRecalculation, type SettlingService } from './expect-settled.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
export { checkStage, type StageCase } from './stages/check-stage.ts'
export { MemoryTable } from './stages/memory-table.ts'
export {
  type StageSource,
  type StageTest,
  type StageTestOptions,
  type StageUnderTest,
  type TestDays,
  testStage,
} from './stages/test-stage.ts'
