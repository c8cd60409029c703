import { expect, test } from 'vitest'
import type { DayOffsets, Stage } from '../../src/index.ts'
import { dayStage, tenantStage } from '../../src/index.ts'
import { pipelineOf } from '../../src/pipeline/pipeline.ts'
import { selectFrozen, selectTables } from '../../src/pipeline/selection.ts'

const BLOCK_DAYS = 31

function day(name: string, reads: Record<string, DayOffsets> = {}, writes = [name]): Stage {
  const functions = { load: async () => undefined, calculate: () => 1, stored: async () => new Map() }
  return dayStage({ name, reads, writes, ...functions, save: async () => {} })
}

function tenant(name: string, reads: readonly string[] = []): Stage {
  return tenantStage({ name, reads, writes: [name], run: async () => {} })
}

const daily = { calculateDay: async () => {} }

function resumed(then: readonly Stage[], now: readonly Stage[], tables?: readonly string[]) {
  const frozen = selectTables(pipelineOf(undefined, then), tables, BLOCK_DAYS).shapes
  return selectFrozen(pipelineOf(undefined, now), frozen, BLOCK_DAYS)
}

const a = day('a', { source: [-1, 0] })

test.each<readonly [what: string, now: readonly Stage[], difference: string]>([
  ['is gone', [day('b')], 'it has no stage "a"'],
  ['is of another kind', [tenant('a')], 'stage "a" is of kind tenant, but day when the job was made'],
  ['reads other days', [day('a', { source: [-2, 0] })], 'stage "a" reads source [-2, 0], but source [-1, 0] when'],
  ['reads another table', [day('a', { other: [-1, 0] })], 'stage "a" reads other [-1, 0], but source [-1, 0] when'],
  ['reads nothing any more', [day('a')], 'stage "a" reads nothing, but source [-1, 0] when'],
  ['writes other tables', [day('a', { source: [-1, 0] }, ['x'])], 'stage "a" writes x, but a when'],
  [
    'carries',
    [day('a', { source: [-1, 0], a: [-1, 0] })],
    'stage "a" reads a [-1, 0], source [-1, 0], but source [-1, 0] when',
  ],
])('a job is not resumed with a stage that %s', (_what, now, difference) => {
  expect(resumed([a], now)).toEqual({ difference: expect.stringContaining(difference) })
})

test('a stage that comes to take part in the job is a difference too', () => {
  const base = day('base')
  const onBase = day('a', { source: [-1, 0], base: [0, 0] })
  // It was calculated from a table that nobody in the pipeline wrote; now a stage writes it.
  expect(resumed([onBase], [onBase, base])).toEqual({ difference: 'stage "base" takes part in it now' })
})

test('a stage that keeps what was only calculated, or the other way round, is a difference', () => {
  const onA = day('b', { a: [0, 0] })
  const frozen = selectTables(pipelineOf(undefined, [a, onA]), ['b'], BLOCK_DAYS).shapes
  expect(frozen.map(({ name, saves }) => [name, saves])).toEqual([
    ['a', false],
    ['b', true],
  ])
  expect(selectFrozen(pipelineOf(undefined, [a, onA]), frozen, BLOCK_DAYS)).not.toHaveProperty('difference')
  const both = frozen.map((shape) => ({ ...shape, saves: true }))
  expect(selectFrozen(pipelineOf(undefined, [a, onA]), both, BLOCK_DAYS)).not.toHaveProperty('difference')
})

test('a dailyCalc that loads other blocks than when the job was made is a difference', () => {
  const frozen = selectTables(pipelineOf(daily, []), undefined, BLOCK_DAYS).shapes
  expect(selectFrozen(pipelineOf({ ...daily, reads: {} }, []), frozen, 7)).not.toHaveProperty('difference')
  const loading = { ...daily, load: async () => undefined }
  expect(selectFrozen(pipelineOf(loading, []), frozen, BLOCK_DAYS)).toEqual({
    difference: 'stage "dailyCalc" calculates at most 31 days, but 1 days when the job was made',
  })
  const frozenLoading = selectTables(pipelineOf(loading, []), undefined, BLOCK_DAYS).shapes
  expect(selectFrozen(pipelineOf(loading, []), frozenLoading, 7)).toEqual({
    difference: 'stage "dailyCalc" calculates at most 7 days, but 31 days when the job was made',
  })
  expect(selectFrozen(pipelineOf({ ...daily, reads: { x: [0, 1] } }, []), frozen, BLOCK_DAYS)).toEqual({
    difference: 'stage "dailyCalc" reads x [0, 1], but nothing when the job was made',
  })
})

test('the order in which stages and tables are listed does not matter: tenant stages keep the order that was frozen', () => {
  const then = [a, tenant('s'), tenant('t'), tenant('u')]
  const selection = resumed(then, [tenant('u'), tenant('t'), tenant('s'), a])
  expect(selection).not.toHaveProperty('difference')
  if ('difference' in selection) return
  expect(selection.tenantStages.map(({ name }) => name)).toEqual(['s', 't', 'u'])
  const two = day('two', { x: [0, 0], y: [-1, 0] }, ['p', 'q'])
  const same = day('two', { y: [-1, 0], x: [0, 0] }, ['q', 'p'])
  expect(resumed([two], [same])).not.toHaveProperty('difference')
})

test('stages that have no part in the job may come and go', () => {
  expect(resumed([a, day('b')], [a, day('c')], ['a'])).not.toHaveProperty('difference')
})

test('of a job that was made before shapes were recorded only the names are compared', () => {
  const [shape] = selectTables(pipelineOf(undefined, [a]), undefined, BLOCK_DAYS).shapes
  const frozen = [{ ...shape!, kind: 'unrecorded' as const, reads: {}, writes: [] }]
  expect(selectFrozen(pipelineOf(undefined, [a]), frozen, BLOCK_DAYS)).not.toHaveProperty('difference')
  expect(selectFrozen(pipelineOf(undefined, [day('b')]), frozen, BLOCK_DAYS)).toEqual({
    difference: 'it has no stage "a"',
  })
})
