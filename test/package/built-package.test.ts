import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { entries, manifest } from './manifest.ts'

/** What a host that imports an entry installs besides. */
const peersOf: Readonly<Record<string, readonly string[]>> = {
  './sql': ['kysely', 'mysql2', 'pg'],
  './otel': ['@opentelemetry/api'],
  './bullmq': ['bullmq'],
  './cli': ['commander'],
  './http': ['hono', 'zod'],
  './testing': ['fast-check'],
}

// What `npm run build` left in dist/; `npm test` builds first.
describe('the built package', () => {
  const scripts = globSync('dist/**/*.js')
  const maps = globSync('dist/**/*.map')

  beforeAll(() => {
    if (scripts.length === 0) throw new Error('Expected dist/ to hold a build, found none: run `npm run build` first')
  })

  test.each(entries)('$subpath imports only packages that a host has', ({ subpath, module }) => {
    const allowed = [...Object.keys(manifest.dependencies), ...(peersOf[subpath] ?? [])]
    const { imported } = load(module)
    const isAllowed = (name: string) => allowed.some((known) => name === known || name.startsWith(`${known}/`))
    expect(imported.filter((name) => !isAllowed(name))).toEqual([])
  })

  test('every peer dependency belongs to an entry', () => {
    expect(Object.values(peersOf).flat().sort()).toEqual(Object.keys(manifest.peerDependencies).sort())
  })

  test.each(entries)('the classes of $subpath keep their names', ({ module }) => {
    for (const [exported, own] of Object.entries(load(module).classes)) expect(own).toBe(exported)
  })

  test('holds every module of src/ at most once, so that a class is the same from whichever entry it comes', () => {
    const modules = maps.filter((map) => map.endsWith('.js.map')).flatMap(sourcesOf)
    expect(modules).toEqual([...new Set(modules)])
  })

  test('has a declaration for every module of src/ and no other', () => {
    const declarations = globSync('dist/**/*.d.ts').map((file) => file.replace(/^dist\/(.*)\.d\.ts$/, 'src/$1.ts'))
    // The console's page is for browsers: a string, once it is built.
    const modules = globSync('src/**/*.ts', { exclude: ['src/console/**', 'src/**/*.d.ts'] })
    expect(declarations.sort()).toEqual(modules.sort())
  })

  test('packs what a user needs and nothing else, with every source that a map points to', () => {
    const packed = packedFiles()
    expect(packed.filter((file) => !/^(dist|src|docs)\//.test(file)).sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'UPGRADING.md', 'package.json'].sort(),
    )
    expect(packed).toEqual(expect.arrayContaining([...scripts, ...maps]))
    expect(packed).toEqual(expect.arrayContaining(maps.flatMap(sourcesOf)))
    for (const script of scripts) expect(maps).toContain(`${script}.map`)
  })
})

/** The packages that a built entry imports itself, and its classes with the names that they call themselves. */
function load(module: string): { readonly imported: readonly string[]; readonly classes: Record<string, string> } {
  const code = `
    import { registerHooks } from 'node:module'
    const imported = new Set()
    registerHooks({
      resolve(specifier, context, next) {
        const ours = context.parentURL?.startsWith('${new URL('../../dist/', import.meta.url).href}')
        if (ours && !/^(node:|\\.)/.test(specifier)) imported.add(specifier)
        return next(specifier, context)
      },
    })
    const entry = await import('${new URL(`../../dist/${module}.js`, import.meta.url).href}')
    const classes = Object.entries(entry).filter(([, value]) => /^class\\b/.test(String(value)))
    console.log(JSON.stringify({
      imported: [...imported],
      classes: Object.fromEntries(classes.map(([exported, value]) => [exported, value.name])),
    }))`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' }))
}

function sourcesOf(map: string): string[] {
  const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { readonly sources: readonly string[] }
  return sources.map((source) => join(dirname(map), source))
}

function packedFiles(): string[] {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
  // npm 11 gives a list of packages, npm 12 an object of them.
  const [packed] = Object.values(
    JSON.parse(output) as Record<string, { readonly files: readonly { readonly path: string }[] }>,
  )
  return packed?.files.map((file) => file.path) ?? []
}
