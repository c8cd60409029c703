import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'UPGRADING.md'],
  ...globSync('docs/*.md', { cwd: root }),
]

function blocks(page: string, language: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] as string)
}

describe('the samples in the documentation', () => {
  const folder = join(import.meta.dirname, 'compiled-samples')

  beforeAll(() => mkdirSync(folder, { recursive: true }))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('compile, each on its own', () => {
    const samples = pages.flatMap((page) => blocks(page, 'ts').map((code, i) => ({ page, i, code })))
    for (const { page, i, code } of samples) {
      writeFileSync(join(folder, `${page.replace(/\W/g, '-')}-${i}.ts`), `${code}\nexport {}\n`)
    }
    const config = {
      extends: '../../../tsconfig.json',
      include: ['./*.ts', '../ambient.d.ts', '../../../src/http/console/*.d.ts'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    expect(samples.length).toBeGreaterThan(2)
    expect(output(process.execPath, [tsc, '-p', folder])).toBe('')
  })

  test('print what the README says they print', () => {
    const [printed] = blocks('README.md', 'text')
    const [sample] = blocks('README.md', 'ts')
    // The example opens a database, and closes it.
    const host = /^\/\/ The first sample.*\n|^import .*quick-start\/host.*\n|^await db\.destroy.*\n/gm
    expect(readFileSync(join(root, 'examples/quick-start.ts'), 'utf8').replace(host, '')).toBe(sample)
    expect(output(process.execPath, ['examples/quick-start.ts'])).toBe(printed)
  })

  test('link to files that exist', () => {
    for (const page of pages) {
      const text = readFileSync(join(root, page), 'utf8')
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] as string)
      for (const link of links) expect(() => readFileSync(join(root, page, '..', link))).not.toThrow()
    }
  })

  test('link only to files of the npm package from pages that are in it', () => {
    const packed = /^((README|CHANGELOG|SECURITY|UPGRADING)\.md|LICENSE|docs\/[\w-]+\.md|docs\/pictures\/[\w-]+\.svg)$/
    for (const page of pages.filter((name) => packed.test(name))) {
      const text = readFileSync(join(root, page), 'utf8')
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] as string)
      for (const link of links) expect(normalize(join(page, '..', link))).toMatch(packed)
    }
  })

  test.each(['express-mysql', 'prisma-postgresql'])(
    'are, on the first day of %s, the files that its test runs',
    (host) => {
      const text = readFileSync(join(root, `docs/first-day-${host}.md`), 'utf8')
      const files = [...text.matchAll(/^```\w+ \[([\w.]+)\]\n([\s\S]*?)^```$/gm)]
      for (const [, file = '', code] of files) {
        expect(code).toBe(readFileSync(join(root, 'examples/first-day', host, file), 'utf8'))
      }
      expect(files).toHaveLength(7)
    },
  )

  test('name every option of the service, every error and every trigger', () => {
    const text = pages.map((page) => readFileSync(join(root, page), 'utf8')).join('\n')
    const options = readFileSync(join(root, 'src/options.ts'), 'utf8').match(/KNOWN[^=]*= \[([^\]]+)\]/)?.[1] ?? ''
    const errors = readFileSync(join(root, 'src/errors.ts'), 'utf8').matchAll(/export class (\w+)/g)
    const names = [...options.matchAll(/'(\w+)'/g), ...errors].map((match) => match[1] as string)
    expect(names.length).toBeGreaterThan(25)
    for (const name of names) expect(text).toContain(`\`${name}\``)
  })
})

function output(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { cwd: root, encoding: 'utf8' })
  } catch (error) {
    return String((error as { stdout?: string }).stdout || error)
  }
}
