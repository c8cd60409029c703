import { expect, test } from 'vitest'
import {
  CallTimeoutError,
  InvalidOptionsError,
  RecalcService,
  type RecalcServiceOptions,
  TenantNotFoundError,
} from '../../../src/index.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'

const employees = { listEmployees: async () => [] }
const day = { tenantId: 'acme', employeeId: '7', date: '2025-03-30' }
const range = { tenantId: 'acme', employeeId: '7', from: '2025-03-30', to: '2025-04-01' }

function serviceIn(
  options: Pick<RecalcServiceOptions, 'zone' | 'dayStartsAt' | 'clock'>,
  calculateDay: NonNullable<RecalcServiceOptions['dailyCalc']>['calculateDay'] = async () => {},
): RecalcService {
  return new RecalcService({ employees, ...options, dailyCalc: { calculateDay } })
}

test('the zone of a tenant may be asked for asynchronously', async () => {
  const zones: string[] = []
  const service = serviceIn({ zone: async () => 'Asia/Tokyo' }, async (_day, { zone }) => void zones.push(zone))
  await service.triggerRecalc(day)
  expect(zones).toEqual(['Asia/Tokyo'])
})

test('the zone of an employee is asked for once a run, beside that of the tenant', async () => {
  const asked: unknown[] = []
  const zones: string[] = []
  const service = serviceIn(
    {
      zone: async (...query) => {
        asked.push(query)
        return query[1] === undefined ? 'Europe/Berlin' : 'America/New_York'
      },
    },
    async ({ employeeId }, context) => void zones.push(context.zone, await context.zoneOf(employeeId)),
  )
  await service.triggerRecalcRange(range)
  expect(asked).toEqual([['acme'], ['acme', '7']])
  expect(new Set(zones)).toEqual(new Set(['Europe/Berlin', 'America/New_York']))
})

test('a fixed zone is that of every employee', async () => {
  const zones: string[] = []
  const service = serviceIn({ zone: 'Asia/Tokyo' }, async (_day, { zoneOf }) => void zones.push(await zoneOf('7')))
  await service.triggerRecalc(day)
  expect(zones).toEqual(['Asia/Tokyo'])
})

test('a zone that is none is refused: of a tenant before anything is calculated, of an employee as their failure', async () => {
  const bad = serviceIn({ zone: async () => 'Berlin' })
  await expect(bad.triggerRecalc(day)).rejects.toThrow(
    new InvalidOptionsError('Expected `zone("acme")` to be an IANA time zone such as "Europe/Berlin", got "Berlin"'),
  )
  const zone = (_tenantId: string, employeeId?: string) => (employeeId === '7' ? 'Berlin' : 'UTC')
  const service = serviceIn({ zone }, async ({ employeeId }, { zoneOf }) => void (await zoneOf(employeeId)))
  const { tenantId, from, to } = range
  const result = await service.triggerRecalcBatch(
    { tenantId, employeeIds: ['6', '7'], from, to },
    { onError: 'continue' },
  )
  expect(result).toMatchObject({ processedDays: 3, failedDays: 3 })
  expect(result.errors[0]).toMatchObject({ employeeId: '7', code: 'INVALID_OPTIONS' })
  expect(result.errors[0]?.message).toContain('`zone("acme", "7")`')
})

test('an unknown tenant is told as the host told it', async () => {
  const unknown = new TenantNotFoundError('acme')
  const service = serviceIn({ zone: () => Promise.reject(unknown) })
  await expect(service.triggerRecalc(day)).rejects.toBe(unknown)
  await expect(service.triggerRecalcAsync(day)).rejects.toBe(unknown)
  await expect(service.estimate(day)).rejects.toBe(unknown)
})

test('nobody waits for a zone for ever: not beyond the deadline, not after a stop, not after their own signal', async () => {
  const clock = manualClock()
  const service = serviceIn({ clock, zone: () => new Promise(() => {}) })
  const late = service.triggerRecalc(day)
  const caught = expect(late).rejects.toThrow(CallTimeoutError)
  await clock.advance(30_000)
  await caught
  const caller = new AbortController()
  const given = service.triggerRecalc(day, { signal: caller.signal })
  const stopped = service.triggerRecalc(day)
  caller.abort(new Error('gone'))
  await expect(given).rejects.toThrow('gone')
  await Promise.all([expect(stopped).rejects.toMatchObject({ code: 'SERVICE_STOPPED' }), service.stop()])
  expect(clock.pending).toBe(0)
})

test('days begin when the service says, in the zone of the tenant or in that of an employee', async () => {
  const seen: unknown[] = []
  const service = serviceIn({ zone: 'Europe/Berlin', dayStartsAt: '04:00' }, async ({ date }, context) => {
    const { start } = context.dayBounds(date)
    seen.push(start.toISOString(), context.dateOf(new Date(start.getTime() - 1)))
    seen.push(context.dayBounds(date, 'Asia/Tokyo').start.toISOString(), context.dateOf(start, 'Asia/Tokyo'))
  })
  await service.triggerRecalc(day)
  expect(seen).toEqual(['2025-03-30T02:00:00.000Z', '2025-03-29', '2025-03-29T19:00:00.000Z', '2025-03-30'])
})

test('a time of day at which no day can begin is refused', () => {
  expect(() => serviceIn({ dayStartsAt: '24:00' })).toThrow(
    'Expected `dayStartsAt` to be a time of day as HH:MM from "00:00" to "23:59", got "24:00"',
  )
})
