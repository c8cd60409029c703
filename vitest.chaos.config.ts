import { configOf, longSuites } from './vitest.config.ts'

export default configOf('chaos', {
  include: [...longSuites, 'test/chaos/*.test.ts'],
  env: { CHAOS_ROUNDS: process.env.CHAOS_ROUNDS ?? '2000' },
})
