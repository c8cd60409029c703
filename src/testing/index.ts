export { type BackendConformanceOptions, backendConformance, type ConformanceTest } from './backend-conformance.ts'
export type { BackendPromise, HostRows } from './conformance/conformance-case.ts'
export { expectSettled } from './expect-settled.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
