import { dayKey, dayStage, memoryBackend, RecalcService, type RecalcServiceOptions } from 'recalc-service'
import { manualClock } from 'recalc-service/testing'
import { afterEach, expect, test } from 'vitest'

const NOW = Date.parse('2025-03-31T12:00:00Z')
/** 23:30 on the 10th in Berlin, 07:30 on the 11th in Tokyo, 18:30 on the 10th in New York. */
const EVENING = new Date('2025-03-10T22:30:00Z')

const services: RecalcService<undefined>[] = []
afterEach(() => Promise.all(services.splice(0).map((service) => service.stop())))

/** A service that remembers which days it wrote. */
function host(options: Pick<RecalcServiceOptions, 'zone' | 'dayStartsAt'>) {
  const calculated: string[] = []
  const stage = dayStage<number, undefined>({
    name: 'values',
    reads: { bookings: [0, 0] },
    writes: ['day_values'],
    load: async () => undefined,
    calculate: () => 1,
    // Of days that are not dirty this is right, so they are not calculated.
    stored: async ({ employeeIds, dates }) =>
      new Map(employeeIds.flatMap((employeeId) => dates.map((date) => [dayKey({ employeeId, date }), 0] as const))),
    async save({ upserts }) {
      calculated.push(...upserts.map(({ day: { employeeId, date } }) => `${employeeId} ${date}`))
    },
  })
  const employees = {
    listEmployees: async ({ after = '' }: { after?: string }) =>
      [{ id: 'ada' }, { id: 'bob' }].filter(({ id }) => id > after),
  }
  const service = new RecalcService({
    stages: [stage],
    employees,
    backend: memoryBackend(),
    clock: manualClock({ start: NOW }),
    ...options,
  })
  services.push(service)
  const settled = async () => {
    await service.settle({ tenantId: 'acme' })
    return calculated.splice(0).sort()
  }
  return { service, settled }
}

const note = (service: RecalcService<undefined>, employeeId?: string) =>
  service.noteChange(undefined, {
    tenantId: 'acme',
    ...(employeeId && { employeeId }),
    table: 'bookings',
    at: [EVENING],
  })

const zoneOfAda = async (_tenantId: string, employeeId?: string) =>
  employeeId === 'ada' ? 'Asia/Tokyo' : 'Europe/Berlin'

test('an instant belongs to the day that it has in the zone of its employee', async () => {
  const { service, settled } = host({ zone: zoneOfAda })
  await note(service, 'ada')
  await note(service, 'bob')
  expect(await settled()).toEqual(['ada 2025-03-11', 'bob 2025-03-10'])
  await note(service)
  expect(await settled()).toEqual(['ada 2025-03-11', 'bob 2025-03-10'])
})

test('a run takes the notes of the days that they have there', async () => {
  const { service, settled } = host({ zone: zoneOfAda })
  await note(service, 'ada')
  await service.triggerRecalc({ tenantId: 'acme', employeeId: 'ada', date: '2025-03-10' })
  expect(await service.freshness()).toMatchObject({ changes: 1 })
  await service.triggerRecalc({ tenantId: 'acme', employeeId: 'ada', date: '2025-03-11' })
  expect(await service.freshness()).toMatchObject({ changes: 0 })
  await settled()
})

test('who is somewhere that nobody can tell is calculated on every day that it may be', async () => {
  const zone = async (_tenantId: string, employeeId?: string) => {
    if (employeeId === 'ada') throw new Error('no address')
    return 'UTC'
  }
  const { service, settled } = host({ zone })
  await note(service, 'ada')
  await note(service, 'bob')
  expect(await settled()).toEqual(['ada 2025-03-10', 'ada 2025-03-11', 'bob 2025-03-10'])
})

test('days that begin later take what is earlier in the day with them', async () => {
  const { service, settled } = host({ zone: 'Asia/Tokyo', dayStartsAt: '08:00' })
  await note(service, 'ada')
  expect(await settled()).toEqual(['ada 2025-03-10'])
})

test('affectedDays knows a zone that is told at once, and otherwise names every day that it may be', () => {
  const days = (zone: RecalcServiceOptions['zone']) => {
    const { service } = host({ ...(zone && { zone }) })
    const { from, to } = service.affectedDays({ tenantId: 'acme', employeeId: 'ada', table: 'bookings', at: [EVENING] })
    return [from, to]
  }
  expect(days('Europe/Berlin')).toEqual(['2025-03-10', '2025-03-10'])
  expect(days((_tenantId, employeeId) => (employeeId === 'ada' ? 'Asia/Tokyo' : 'UTC'))).toEqual([
    '2025-03-11',
    '2025-03-11',
  ])
  expect(days(zoneOfAda)).toEqual(['2025-03-10', '2025-03-11'])

  const { service } = host({ zone: (_tenantId, employeeId) => (employeeId === 'ada' ? 'Asia/Tokyo' : 'Europe/Berlin') })
  expect(service.affectedDays({ tenantId: 'acme', table: 'bookings', at: [EVENING] })).toMatchObject({
    from: '2025-03-10',
    to: '2025-03-11',
  })
})
