import { readFileSync } from 'node:fs'

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
}

export const manifest: Manifest = JSON.parse(readFileSync('package.json', 'utf8'))

/** What a host imports, such as `./sql`, and the module behind it without folder and extension, such as `sql/index`. */
export const entries: readonly { readonly subpath: string; readonly module: string }[] = Object.entries(
  manifest.exports,
).flatMap(([subpath, target]) => {
  if (typeof target === 'string') return []
  return [{ subpath, module: target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '') }]
})
