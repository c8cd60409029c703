import { defineConfig } from 'vitest/config'
import { consolePageForVite } from './scripts/console-plugins.ts'

const inCi = process.env.CI === 'true'

export default defineConfig({
  plugins: [consolePageForVite()],
  // `recalc-service` means src/ here as it does for tsc: tests of the examples and of src/ then share one copy of each class.
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/server-launcher.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    retry: 0,
    reporters: inCi ? ['default', 'json'] : ['default'],
    outputFile: { json: 'node_modules/.cache/recalc-service/test-results.json' },
  },
})
