import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestUserConfig } from 'vitest/config'
import { consolePageForVite } from './scripts/console-plugins.ts'

/** Suites that kill, restart and race: minutes long, and run by `npm run test:chaos`. */
export const longSuites = [
  'test/chaos/*.test.ts',
  'test/sql/crash/*.test.ts',
  'test/examples/*/*-killed.test.ts',
  'test/examples/cluster/*.test.ts',
  'test/examples/productivity/real-data.test.ts',
]

/** Tests that try more cases in the long form: they ask `runs` how many. */
export const longForms = globSync('test/**/*.test.ts').filter((file) =>
  readFileSync(file, 'utf8').includes("/support/runs.ts'"),
)

const cache = fileURLToPath(new URL('node_modules/.cache/recalc-service', import.meta.url))

/** What only a hang takes, however busy the machine is. */
const HANGS_MS = 300_000

/** The configuration of a set of test files. */
export function configOf(name: string, test: TestUserConfig) {
  return defineConfig({
    plugins: [consolePageForVite()],
    // `recalc-service` means src/ here as it does for tsc: tests of the examples and of src/ then share one copy of each class.
    resolve: { tsconfigPaths: true },
    test: {
      globalSetup: ['test/support/server-launcher.ts'],
      testTimeout: HANGS_MS,
      hookTimeout: HANGS_MS,
      expect: { poll: { timeout: HANGS_MS } },
      retry: 0,
      reporters: process.env.CI === 'true' ? ['default', 'json'] : ['default'],
      outputFile: { json: `${cache}/${name}.json` },
      ...test,
      // Half of what it costs to start a process of a test is compiling.
      env: { NODE_COMPILE_CACHE: `${cache}/compiled`, ...test.env },
    },
  })
}

export default configOf('tests', {
  include: ['test/**/*.test.ts'],
  exclude: longSuites,
  maxWorkers: 3, // many files wait for servers and browsers: as many as cores would leave these idle
  isolate: false, // no file changes what modules hold, and loading them anew for each takes a minute
})
