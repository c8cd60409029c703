import { expect, test } from 'vitest'
import {
  type DayOffsets,
  dayStage,
  InvalidRequestError,
  PipelineError,
  RecalcService,
  type Stage,
  type TenantStage,
  tenantStage,
} from '../../src/index.ts'
import { type Pipeline, pipelineOf } from '../../src/pipeline/pipeline.ts'
import { selectTables } from '../../src/pipeline/selection.ts'
import { fill, key, TENANT, world } from '../support/service.ts'
import { balances, ranks, type StageCall, scores, stageOf, summary, trends } from '../support/stages.ts'

function day(name: string, reads: Record<string, DayOffsets> = {}, writes = [name], stored = false): Stage {
  return dayStage({
    name,
    reads,
    writes,
    load: async () => undefined,
    calculate: () => 1,
    save: async () => {},
    ...(stored && { stored: async () => new Map() }),
  })
}

function tenant(name: string, reads: readonly string[] = [], writes = [name]): TenantStage {
  return tenantStage({ name, reads, writes, run: async () => {} })
}

function refusal(...stages: readonly Stage[]): { readonly message: string; readonly stages: readonly string[] } {
  const employees = { listEmployees: async () => [] }
  try {
    new RecalcService({ stages, employees })
  } catch (error) {
    expect(error).toBeInstanceOf(PipelineError)
    expect(error).toMatchObject({ code: 'PIPELINE', name: 'PipelineError' })
    return error as PipelineError
  }
  return expect.fail('the stages were taken')
}

const stagePipeline = (stages: readonly Stage[]) => pipelineOf(undefined, stages)

/** The day stages that a request for some tables runs, and whether each is saved; then the tenant stages. */
function selected(pipeline: Pipeline<unknown>, tables?: readonly string[]) {
  const { dayStages, tenantStages } = selectTables(pipeline, tables, 31)
  return {
    saved: [...dayStages.filter(({ saves }) => saves).map(({ stage }) => stage), ...tenantStages].map(
      ({ name }) => name,
    ),
    calculated: dayStages.filter(({ saves }) => !saves).map(({ stage }) => stage.name),
  }
}

const names = (pipeline: Pipeline<never>) =>
  [...pipeline.dayStages, ...pipeline.tenantStages].map(({ name }) => name).join(' ')

test('two stages of one name are refused', () => {
  expect(refusal(day('a'), day('b'), tenant('a', [], ['c']))).toMatchObject({
    message: 'Two stages are named "a"; names must be unique',
    stages: ['a'],
  })
})

test('two stages that write one table are refused, of whatever kind', () => {
  expect(refusal(day('a', {}, ['x', 'y']), day('b', {}, ['y']))).toMatchObject({
    message: 'Stages "a" and "b" both write "y"; one table, one stage',
    stages: ['a', 'b'],
  })
  expect(refusal(day('a'), tenant('t', [], ['a'])).stages).toEqual(['a', 't'])
})

test('stages that read each other`s tables are refused, with the way round', () => {
  const cycle = refusal(day('z'), day('a', { c: [0, 0] }), day('b', { a: [0, 0] }), day('c', { b: [-1, 0], z: [0, 0] }))
  expect(cycle.message).toBe("Stages read each other's tables in a cycle: a -> c -> b -> a")
  expect(cycle.stages).toEqual(['a', 'c', 'b'])
  expect(refusal(tenant('s', ['t']), tenant('t', ['s'])).stages).toEqual(['s', 't'])
})

test('later days of a table that the pass itself writes are refused', () => {
  const { message, stages } = refusal(day('a'), day('b', { a: [0, 1] }))
  expect(message).toContain('Stage "b" reads later days (up to +1) of "a", which stage "a" writes in the same pass')
  expect(stages).toEqual(['b', 'a'])
  expect(() => stagePipeline([day('a'), day('b', { source: [-7, 7], a: [-3, 0] })])).not.toThrow()
})

test('its own table without `stored`, or other than the day before, is refused', () => {
  expect(refusal(day('a', { a: [-1, 0] }))).toMatchObject({
    message: 'Stage "a" reads the day before from its own table "a", so it needs `stored`',
    stages: ['a'],
  })
  for (const offsets of [
    [-2, 0],
    [-2, -1],
    [0, 0],
    [-1, 1],
    [0, 1],
    [1, 1],
    [-2, -2],
  ] as const) {
    expect(refusal(day('a', { a: offsets }, ['a'], true)).message).toContain(`reads it at [${offsets.join(', ')}]`)
  }
  for (const offsets of [
    [-1, 0],
    [-1, -1],
  ] as const) {
    expect(() => stagePipeline([day('a', { a: offsets }, ['a'], true)])).not.toThrow()
  }
})

test('a day stage that reads a tenant stage`s table is refused: it is written only after the pass', () => {
  expect(refusal(tenant('ranking'), day('a', { ranking: [0, 0] }))).toMatchObject({
    message: 'Day stage "a" reads "ranking", which tenant stage "ranking" writes only after the pass',
    stages: ['a', 'ranking'],
  })
})

test('stages run after those whose tables they read, otherwise as they were listed, tenant stages last', () => {
  const stages = [
    tenant('t2', ['t1']),
    day('c', { b: [0, 0] }),
    day('x'),
    day('a'),
    day('b', { a: [0, 0] }),
    tenant('t1'),
  ]
  expect(names(stagePipeline(stages))).toBe('a b c x t1 t2')
})

test('a table selects the stage that writes it, and all stages run when none is named', () => {
  const pipeline = stagePipeline([day('a', {}, ['a', 'a2']), day('b'), tenant('t')])
  expect(selected(pipeline).saved).toEqual(['a', 'b', 't'])
  expect(selected(pipeline, ['a2']).saved).toEqual(['a'])
  expect(selected(pipeline, ['t', 'b', 'b']).saved).toEqual(['b', 't'])
  expect(() => selected(pipeline, ['b', 'nothing'])).toThrow(InvalidRequestError)
})

test('what a selected stage builds on is selected with it, but not saved', () => {
  const pipeline = stagePipeline([day('a'), day('b', { a: [0, 0] }), day('c', { b: [0, 0] }), day('other')])
  expect(selected(pipeline, ['c'])).toEqual({ saved: ['c'], calculated: ['a', 'b'] })
})

test('days build on earlier ones only when the pass writes what they read of earlier days', () => {
  const builds = (stages: readonly Stage[], asked: readonly string[]) =>
    selectTables(stagePipeline(stages), asked, 31).daysBuildOnEarlier
  expect(builds([day('a', { source: [-9, 0] })], ['a'])).toBe(false)
  expect(builds([day('a', { a: [-1, 0] }, ['a'], true)], ['a'])).toBe(true)
  const pair = [day('a'), day('b', { a: [-1, 0] })]
  expect(builds(pair, ['b'])).toBe(true)
  expect(builds(pair, ['a'])).toBe(false)
})

test('a stage that was not asked for is calculated for the one that was, and its table is left alone', async () => {
  const calls: StageCall[] = []
  const { service, database } = world({
    stages: [
      stageOf(scores, { calls }),
      dayStage<number, ReadonlyMap<string, number | null>, import('../support/database.ts').Transaction>({
        name: 'copies',
        reads: { scores: [0, 0] },
        writes: ['copies'],
        load: async (_, { valuesOf }) => valuesOf<number>({ name: 'scores' }),
        calculate: (day, values) => values.get(`${day.date}/${day.employeeId}`) ?? null,
        async save({ upserts }, { tx }) {
          for (const { day, value } of upserts) tx.write('copies', key(day.employeeId, day.date), value)
        },
      }),
      stageOf(balances, { calls }),
      summary(calls),
    ],
  })
  fill(database, 'hours', 'a', { '2025-01-01': 5 })
  fill(database, 'scores', 'a', { '2025-01-01': 1 })
  await service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: '2025-01-01' }, { tables: ['copies'] })
  expect(database.dump('copies')).toEqual({ 'acme/a/2025-01-01': 50 })
  expect(database.dump('scores')).toEqual({ 'acme/a/2025-01-01': 1 })
  expect(calls.map(({ stage, step }) => `${stage} ${step}`)).toEqual(['scores load'])
})

test('what a stage builds on that is not saved does not depend on where a block begins', async () => {
  const dumps = []
  for (const days of [1, 2, 31]) {
    const seen: Record<string, unknown> = {}
    const { service, database } = world(
      {
        stages: [
          stageOf(balances),
          dayStage<number, ReadonlyMap<string, number | null>, import('../support/database.ts').Transaction>({
            name: 'copies',
            reads: { balances: [0, 0] },
            writes: ['copies'],
            load: async (_, { valuesOf }) => valuesOf<number>({ name: 'balances' }),
            calculate: (day, values) => values.get(`${day.date}/${day.employeeId}`) ?? null,
            async save({ upserts }) {
              for (const { day, value } of upserts) seen[day.date] = value
            },
          }),
        ],
      },
      { block: { employees: 1, days } },
    )
    fill(database, 'hours', 'a', { '2025-01-01': 5, '2025-01-02': 6, '2025-01-03': 7 })
    fill(database, 'balances', 'a', { '2025-01-01': 100 })
    const request = { tenantId: TENANT, employeeId: 'a', from: '2025-01-01', to: '2025-01-03' }
    await service.triggerRecalcRange(request, { tables: ['copies'] })
    dumps.push(seen)
  }
  expect(dumps[1]).toEqual(dumps[0])
  expect(dumps[2]).toEqual(dumps[0])
})

test('a request for a tenant stage`s table alone runs that stage and no pass', async () => {
  const calls: StageCall[] = []
  const { service } = world({
    stages: [stageOf(scores, { calls }), stageOf(ranks, { calls }), stageOf(trends, { calls }), summary(calls)],
  })
  const request = { tenantId: TENANT, employeeId: 'a', date: '2025-01-01' }
  const result = await service.triggerRecalc(request, { tables: ['summary'] })
  expect(calls).toEqual([{ stage: 'summary', step: 'run' }])
  expect(result).toMatchObject({ status: 'completed', totalDays: 0, processedDays: 0 })
})
