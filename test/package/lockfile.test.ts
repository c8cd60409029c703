import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface LockedPackage {
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const locked: Readonly<Record<string, LockedPackage>> = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages

// npm leaves out of the lockfile what its registry lacks, without a word, and then `npm ci` refuses the lockfile.
test('the lockfile holds the optional packages of every platform, not just of the one that wrote it', () => {
  const missing = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(name, path)),
  )
  expect(missing).toEqual([])
})

test('the lockfile names no registry', () => {
  expect(Object.keys(locked).filter((path) => locked[path]?.resolved !== undefined)).toEqual([])
})

/** As Node looks a package up: in the dependent's own node_modules, then in those of the folders above it. */
function isLocked(name: string, dependent: string): boolean {
  const above = dependent.lastIndexOf('node_modules/')
  if (`${dependent}/node_modules/${name}` in locked || `node_modules/${name}` in locked) return true
  return above > 0 && isLocked(name, dependent.slice(0, above).replace(/\/$/, ''))
}
