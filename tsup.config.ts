import { defineConfig } from 'tsup'
import { CONSOLE_PAGE, consolePageForEsbuild } from './scripts/console-plugins.ts'

export default defineConfig({
  // Same paths as in src/, so that an entry's .js lies beside the .d.ts that tsc emits for it.
  entry: {
    index: 'src/index.ts',
    backend: 'src/backend.ts',
    'bullmq/index': 'src/bullmq/index.ts',
    'cli/index': 'src/cli/index.ts',
    'http/index': 'src/http/index.ts',
    'otel/index': 'src/otel/index.ts',
    'sql/index': 'src/sql/index.ts',
    'testing/index': 'src/testing/index.ts',
  },
  format: 'esm',
  target: 'node22.12',
  // What two entries share becomes a chunk of its own: `instanceof RecalcError` holds whichever entry a class came from.
  splitting: true,
  sourcemap: true,
  clean: true,
  // Also what is no dependency yet: a forgotten declaration must show in the tests, not be bundled in silence.
  skipNodeModulesBundle: true,
  noExternal: [CONSOLE_PAGE],
  esbuildPlugins: [consolePageForEsbuild()],
  // tsup would turn `node:sqlite` into `sqlite`, which does not exist.
  removeNodeProtocol: false,
  esbuildOptions(options) {
    // src/ is in the package, once is enough.
    options.sourcesContent = false
  },
})
