// tsc leaves `./x.ts` in the declarations it emits (rewriteRelativeImportExtensions is about JavaScript). TypeScript finds
// x.d.ts all the same, other tools do not. The replacement is as long as what it replaces, so the declaration maps stay true.
import { readFileSync, writeFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'

const relativeImport = /((?:from|import)\s*\(?\s*)(['"])(\.{1,2}\/[^'"]*)\.ts\2/g

for await (const file of glob('dist/**/*.d.ts')) {
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace(relativeImport, '$1$2$3.js$2'))
}
