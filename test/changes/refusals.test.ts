import { memoryBackend, RecalcService } from 'recalc-service'
import { expect, test } from 'vitest'
import { office } from '../jobs/support/office.ts'

const change = { tenantId: 'acme', employeeId: 'e1', table: 'hours' } as const

/** A service whose backend nobody may touch. */
function untouched() {
  const touched: string[] = []
  const watch = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          touched.push(String(name))
          return Reflect.apply(member, target, args)
        }
      },
    })
  const { unitOfWork, jobs, changes } = memoryBackend()
  const backend = { jobs, unitOfWork: watch(unitOfWork), ...(changes && { changes: watch(changes) }) }
  return { touched, ...office({ backend }) }
}

type Service = RecalcService<undefined>
const asked = (call: (service: Service, value: never) => unknown) => call

const notes = asked((service, value) => service.noteChange(undefined, value))
const calls: readonly (readonly [string, string, ReturnType<typeof asked>, unknown])[] = [
  ...(
    [
      ['nothing', undefined],
      ['an unknown member', { ...change, date: '2025-01-01' }],
      ['no tenant', { table: 'hours' }],
      ['an empty employee', { ...change, employeeId: '' }],
      ['no table', { tenantId: 'acme' }],
      ['both `at` and `dates`', { ...change, at: [new Date()], dates: { from: '2025-01-01' } }],
      ['no instant', { ...change, at: [null, undefined] }],
      ['an invalid Date', { ...change, at: [new Date('no')] }],
      ['a text for an instant', { ...change, at: ['2025-01-01'] }],
      ['a year that is far off', { ...change, at: [new Date(-1e14)] }],
      ['an impossible date', { ...change, dates: { from: '2025-02-30' } }],
      ['an end before the beginning', { ...change, dates: { from: '2025-01-02', to: '2025-01-01' } }],
      ['more days than `maxDays`', { ...change, dates: { from: '1990-01-01', to: '2025-01-01' } }],
      ['an unknown end', { ...change, dates: { from: '2025-01-01', until: '2025-01-02' } }],
    ] as const
  ).flatMap(([what, value]) => [
    ['noteChange', what, notes, value] as const,
    ['changeStatement', what, asked((service, wrong) => service.changeStatement(wrong)), value] as const,
    ['affectedDays', what, asked((service, wrong) => service.affectedDays(wrong)), value] as const,
  ]),
  ...(
    [
      ['nothing', undefined],
      ['no tenant', { employeeId: 'e1' }],
      ['an unknown member', { tenantId: 'acme', employeeIds: ['e1'] }],
      ['an empty employee', { tenantId: 'acme', employeeId: '' }],
    ] as const
  ).flatMap(([what, value]) => [
    ['settle', what, asked((service, wrong) => service.settle(wrong)), value] as const,
    ['releaseHeld', what, asked((service, wrong) => service.releaseHeld(wrong)), value] as const,
  ]),
  ['settle', 'no signal', asked((service, wrong) => service.settle({ tenantId: 'acme' }, wrong)), { signal: 'now' }],
  ['freshness', 'an empty tenant', asked((service, wrong) => service.freshness(wrong)), { tenantId: '' }],
  ['freshness', 'an unknown member', asked((service, wrong) => service.freshness(wrong)), { tenant: 'acme' }],
  ['listDirtyTenants', 'no limit', asked((service, wrong) => service.listDirtyTenants(wrong)), { limit: 0 }],
  ...(
    [
      ['no tenant', {}],
      ['an unknown state', { tenantId: 'acme', state: 'done' }],
      ['no limit', { tenantId: 'acme', limit: 0 }],
      ['a place that is no number', { tenantId: 'acme', after: '1' }],
    ] as const
  ).map(([what, value]) => ['listDirty', what, asked((service, wrong) => service.listDirty(wrong)), value] as const),
]

test.each(calls)('%s refuses %s before anything is read', async (_name, _what, call, value) => {
  const { service, touched } = untouched()
  const outcome = Promise.resolve().then(() => call(service, value as never))
  await expect(outcome).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringMatching(/^Expected /) })
  expect(touched).toEqual([])
})

test('a table that no stage reads is refused, with those that are read', async () => {
  const { service } = office({})
  const reading = new RecalcService<undefined>({
    dailyCalc: { calculateDay: async () => {}, reads: { hours: [-1, 0], rates: [0, 0] } },
    employees: { listEmployees: async () => [] },
  })
  await expect(reading.noteChange(undefined, { ...change, table: 'hour' })).rejects.toThrow(
    'Expected `table` to be one that a stage reads ("hours", "rates"), got "hour"',
  )
  await service.stop()
})

test('a settle or trigger within a calculation is refused with the ways out', async () => {
  const refused: unknown[] = []
  const { service } = office({
    async calculate() {
      const calls = [
        () => service.settle({ tenantId: 'acme' }),
        () => service.triggerRecalc({ tenantId: 'acme', employeeId: 'e2', date: '2025-01-01' }),
      ]
      for (const call of calls) await call().catch((error: unknown) => refused.push(error))
    },
  })
  await service.noteChange(undefined, { ...change, dates: { from: '2025-01-01', to: '2025-01-01' } })
  expect(await service.settle({ tenantId: 'acme' })).toEqual({ days: 1, failed: 0, failedStages: [] })
  expect(refused).toHaveLength(2)
  for (const error of refused) {
    expect(error).toMatchObject({ code: 'NESTED_CALL' })
    expect(String(error)).toContain('noteChange')
    expect(String(error)).toContain('context.afterCommit')
  }
})

test('a note within a calculation is settled behind it', async () => {
  const { service, calculated } = office({
    async calculate(day) {
      if (day !== 'e1 2025-01-01') return
      const dates = { from: '2025-01-01', to: '2025-01-01' }
      await service.noteChange(undefined, { tenantId: 'acme', employeeId: 'e2', table: 'hours', dates })
    },
  })
  await service.noteChange(undefined, { ...change, dates: { from: '2025-01-01', to: '2025-01-01' } })
  await service.settle({ tenantId: 'acme' })
  expect(calculated).toEqual(['e1 2025-01-01', 'e2 2025-01-01'])
})

test('a dailyCalc with `reads` is calculated on every day that reads the changed one, and `affectedDays` says which', async () => {
  const calculated: string[] = []
  const service = new RecalcService<undefined>({
    dailyCalc: {
      calculateDay: async ({ date }) => void calculated.push(date),
      reads: { hours: [-1, 0], plans: [0, 2] },
    },
    employees: { listEmployees: async () => [{ id: 'e1' }] },
  })
  const at = [new Date('2025-01-10T12:00:00Z')]
  expect(service.affectedDays({ ...change, at })).toMatchObject({ from: '2025-01-10', to: '2025-01-11' })
  await service.noteChange(undefined, { ...change, at })
  await service.settle({ tenantId: 'acme' })
  expect(calculated).toEqual(['2025-01-10', '2025-01-11'])
  calculated.length = 0
  await service.noteChange(undefined, { ...change, table: 'plans', at })
  await service.settle({ tenantId: 'acme' })
  expect(calculated).toEqual(['2025-01-08', '2025-01-09', '2025-01-10'])
})
