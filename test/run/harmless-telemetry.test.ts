import { expect, test } from 'vitest'
import type { Telemetry } from '../../src/index.ts'
import { Database } from '../support/database.ts'
import { fill, TENANT, world } from '../support/service.ts'
import { scores, stageOf } from '../support/stages.ts'

const boom = () => {
  throw new Error('no exporter')
}

const observed = { within: <T>(work: () => T) => work(), end: () => {} }

const request = { tenantId: TENANT, employeeIds: ['ann'], from: '2025-03-01', to: '2025-03-02' }

test.each<[string, Telemetry]>([
  ['does not begin', { begin: boom, record: boom, watch: boom }],
  ['fails before it calls the work', { begin: () => ({ within: boom, end: boom }), record: boom, watch: () => boom }],
  [
    'fails behind the work',
    {
      begin: () => ({
        within: (work) => {
          work()
          return boom()
        },
        end: boom,
      }),
      record: boom,
      watch: boom,
    },
  ],
])('telemetry that %s is logged, and every day is calculated once all the same', async (_, telemetry) => {
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-03-01': 8, '2025-03-02': 8 })
  const lines: string[] = []
  const logger = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (_fields: object, line: string) => void lines.push(line),
  }
  const calls: { readonly stage: string; readonly step: string }[] = []
  const { service } = world({ stages: [stageOf(scores, { calls: calls as never })] }, { database, telemetry, logger })
  await service.start()
  const result = await service.triggerRecalcBatch(request)
  expect(result).toMatchObject({ status: 'completed', processedDays: 2 })
  expect(calls.filter(({ step }) => step === 'load')).toHaveLength(1)
  expect(new Set(lines)).toEqual(new Set(['Telemetry failed']))
  await service.stop()
})

test('what work throws under telemetry is its own error', async () => {
  const stage = { ...stageOf(scores), kind: 'day' as const, load: async () => boom() }
  const telemetry: Telemetry = { begin: () => observed, record: () => {}, watch: () => () => {} }
  const { service } = world({ stages: [stage] }, { telemetry })
  await expect(service.triggerRecalcBatch(request)).rejects.toMatchObject({ cause: { message: 'no exporter' } })
})
