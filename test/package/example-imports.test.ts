import { expect, test } from 'vitest'
import { filesOf, importsOf } from './source-imports.ts'

/** The two reference back ends. What both need lies in examples/shared, which knows neither. */
const BACK_ENDS = ['productivity', 'timesheet']

const imports = filesOf('examples/**/*.ts').flatMap(importsOf)

test('no reference back end imports from the other, and nothing that they share from either', () => {
  const wrong = imports.filter(({ from, to, relative }) => {
    const [own, other] = [folderOf(from), folderOf(to)]
    return relative && own !== other && [...BACK_ENDS, 'shared'].includes(own) && BACK_ENDS.includes(other)
  })
  expect(imports.length).toBeGreaterThan(100)
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([])
})

test('reference back ends import the library by its public entries', () => {
  const wrong = imports.filter(({ to, relative }) => relative && to.startsWith('src/'))
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([])
})

function folderOf(file: string): string {
  return file.split('/')[1] ?? ''
}
