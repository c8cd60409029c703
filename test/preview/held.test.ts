import { expect, test } from 'vitest'
import {
  type DayDifference,
  dayStage,
  InvalidRequestError,
  memoryBackend,
  type Preview,
  RecalcService,
  tenantStage,
} from '../../src/index.ts'
import { Database, type Transaction } from '../support/database.ts'
import { fill, TENANT, world } from '../support/service.ts'
import { balances, scores, stageOf } from '../support/stages.ts'

const CLOSED = [{ from: '2025-03-01', to: '2025-03-02' }]
const held = { held: true, tenantId: TENANT } as const

async function withHeld() {
  const database = new Database()
  const state = { closed: CLOSED }
  fill(database, 'hours', 'ann', { '2025-03-01': 8, '2025-03-02': 8, '2025-03-03': 8 })
  let totals = 0
  const stages = [
    stageOf(scores),
    stageOf(balances),
    tenantStage<Transaction>({
      name: 'totals',
      reads: ['balances'],
      writes: ['totals'],
      async run() {
        totals += 1
      },
    }),
  ]
  const closedPeriods = {
    closed: async ({ employeeIds }: { readonly employeeIds: readonly string[] }) =>
      new Map(employeeIds.map((id) => [id, state.closed])),
  }
  const { service } = world({ stages }, { database, employees: ['ann'], closedPeriods })
  await service.triggerRecalcRange({ tenantId: TENANT, employeeId: 'ann', from: '2025-03-01', to: '2025-03-03' })
  const dates = { from: '2025-03-01', to: '2025-03-01' }
  await service.noteChange(undefined as never, { tenantId: TENANT, employeeId: 'ann', table: 'hours', dates })
  await service.settle({ tenantId: TENANT })
  return { service, database, state, ran: () => totals }
}

async function all(preview: Preview): Promise<readonly DayDifference[]> {
  const found: DayDifference[] = []
  for await (const difference of preview) found.push(difference)
  return found
}

test('what follows from a held change is shown, and the tenant stages that would run are named, and not run', async () => {
  const { service, ran } = await withHeld()
  const before = ran()
  const preview = service.preview(held)
  const days = (await all(preview)).map(({ stage, date }) => `${stage} ${date?.slice(8)}`)
  // Scores and balances build on those of the day before.
  expect(days.slice(0, 4)).toEqual(['scores 01', 'balances 01', 'scores 02', 'balances 02'])
  expect(await preview.summary).toMatchObject({ status: 'completed', closedDays: 0, leftOut: ['totals'] })
  expect(ran()).toBe(before)
  await service.stop()
})

test('of somebody without held changes there is nothing to show', async () => {
  const { service } = await withHeld()
  const summary = await service.preview({ ...held, employeeId: 'bob' }).summary
  expect(summary).toMatchObject({ status: 'completed', days: 0, inserts: 0, updates: 0, deletes: 0, leftOut: [] })
  const other = await service.preview({ held: true, tenantId: 'other' }).summary
  expect(other).toMatchObject({ status: 'completed', days: 0 })
  await service.stop()
})

test('a signal ends it with its reason', async () => {
  const { service } = await withHeld()
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(service.preview(held, { signal }).summary).rejects.toThrow('enough')
  await service.stop()
})

test.each<[string, object, object, string]>([
  ['days', { from: '2025-03-01', to: '2025-03-02' }, {}, 'Expected `from` to be left out with `held`'],
  ['several employees', { employeeIds: ['ann'] }, {}, 'Expected `employeeIds` to be left out with `held`'],
  ['another word for it', { held: 'yes' }, {}, 'Expected `held` to be true, or left out, got "yes"'],
  ['no tenant', { tenantId: '' }, {}, 'Expected `tenantId` to be a non-empty string'],
  ['other stages', {}, { stages: [] }, 'Expected `stages` to be left out with `held`'],
  ['tables', {}, { tables: ['scores'] }, 'Expected `tables` to be left out with `held`'],
  ['a signal that is none', {}, { signal: 1 }, 'Expected `signal` to be an AbortSignal'],
])('%s are refused before anything is read', async (_, request, options, message) => {
  const { service } = await withHeld()
  const preview = service.preview({ ...held, ...request } as never, options as never)
  await expect(preview.summary).rejects.toThrow(InvalidRequestError)
  await expect(service.preview({ ...held, ...request } as never, options as never).summary).rejects.toThrow(message)
  await service.stop()
})

test('a stage without `stored`, and a backend without a ledger or transactions, are refused', async () => {
  const { unitOfWork, jobs } = memoryBackend({ unitOfWork: new Database().connect() })
  const employees = { listEmployees: async () => [] }
  const stages = [stageOf(scores)]
  const unnoted = new RecalcService({ stages, employees, backend: { unitOfWork, jobs } })
  await expect(unnoted.preview(held).summary).rejects.toThrow('a ledger of changes')
  const untold = [
    dayStage<number, null, undefined>({
      ...{ name: 'scores', reads: { hours: [0, 0] as const }, writes: ['scores'] },
      load: async () => null,
      calculate: () => 1,
      save: async () => {},
    }),
  ]
  await expect(new RecalcService({ stages: untold, employees }).preview(held).summary).rejects.toThrow(
    'no transactions',
  )
})
