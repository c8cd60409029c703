import { existsSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'
import tsupConfig from '../../tsup.config.ts'
import { entries, manifest } from './manifest.ts'

test('every entry of package.json has its code, its types and its source in the same place', () => {
  for (const { subpath, module } of entries) {
    expect(manifest.exports[subpath]).toEqual({ types: `./dist/${module}.d.ts`, default: `./dist/${module}.js` })
    expect(existsSync(`src/${module}.ts`), `src/${module}.ts`).toBe(true)
  }
})

test('tsup builds exactly the entries of package.json', () => {
  const built = Object.fromEntries(entries.map(({ module }) => [module, `src/${module}.ts`]))
  expect(tsupConfig).toMatchObject({ entry: built })
  expect(Object.keys((tsupConfig as { entry: object }).entry)).toHaveLength(entries.length)
})

test('tsc finds the source of every entry under the name that a host imports', () => {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.json', ts.sys.readFile).config,
    ts.sys,
    process.cwd(),
  )
  for (const { subpath, module } of entries) {
    const name = subpath.replace(/^\./, 'recalc-service')
    const { resolvedModule } = ts.resolveModuleName(name, `${process.cwd()}/examples/any.ts`, options, ts.sys)
    expect(resolvedModule?.resolvedFileName).toBe(`${process.cwd()}/src/${module}.ts`)
  }
})

test('every peer dependency is optional: the core needs none of them', () => {
  for (const name of Object.keys(manifest.peerDependencies)) {
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true })
  }
})
