// `import … from 'virtual:console-page'` gives the bundled page, in the build and in the tests alike.
import { fileURLToPath } from 'node:url'
import type { Plugin as EsbuildPlugin } from 'esbuild'
import type { Plugin as VitePlugin } from 'vitest/config'
import { buildConsolePage } from './console-page.ts'

export const CONSOLE_PAGE = 'virtual:console-page'

/** What a source map can point to: the page itself is no file, its declaration is. */
const DECLARATION = fileURLToPath(new URL('../src/http/console/virtual-console-page.d.ts', import.meta.url))

/** For tsup. */
export function consolePageForEsbuild(): EsbuildPlugin {
  return {
    name: 'console-page',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${CONSOLE_PAGE}$`) }, () => ({ path: DECLARATION }))
      build.onLoad({ filter: /virtual-console-page\.d\.ts$/ }, async () => {
        const page = await buildConsolePage()
        return { contents: moduleOf(page), loader: 'js', watchFiles: [...page.files] }
      })
    },
  }
}

/** For vitest. */
export function consolePageForVite(): VitePlugin {
  return {
    name: 'console-page',
    // Vite's own resolver would look for a package of this name.
    enforce: 'pre',
    resolveId: (id) => (id === CONSOLE_PAGE ? `\0${CONSOLE_PAGE}` : undefined),
    async load(id) {
      if (id !== `\0${CONSOLE_PAGE}`) return undefined
      const page = await buildConsolePage()
      for (const file of page.files) this.addWatchFile(file)
      return moduleOf(page)
    },
  }
}

function moduleOf({ html, contentSecurityPolicy }: Awaited<ReturnType<typeof buildConsolePage>>): string {
  return `export const html = ${JSON.stringify(html)}\nexport const contentSecurityPolicy = ${JSON.stringify(contentSecurityPolicy)}\n`
}
