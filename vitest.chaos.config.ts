import { configOf, longForms, longSuites } from './vitest.config.ts'

export default configOf('chaos', {
  include: [...longSuites, ...longForms],
  maxWorkers: 2, // they wait for leases, restarts and pauses
  env: { RECALC_TEST_LONG: 'true', CHAOS_ROUNDS: process.env.CHAOS_ROUNDS ?? '2000' },
})
