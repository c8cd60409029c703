import { createInterface } from 'node:readline'
import { bullmqDispatcher } from '../../src/bullmq/index.ts'
import { memoryBackend, RecalcService } from '../../src/index.ts'

/** Does a job over Redis, and stops at its second line. */
export interface DispatchOrders {
  readonly redis: string
}

/** What it tells, a line each. */
export type DispatchReport = { readonly type: 'done' } | { readonly type: 'stopped' }

function tell(report: DispatchReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { redis } = JSON.parse((await lines.next()).value ?? '') as DispatchOrders // as the test wrote it
const service = new RecalcService({
  zone: 'UTC',
  backend: memoryBackend(),
  employees: { listEmployees: async () => [] },
  dailyCalc: { calculateDay: async () => {} },
  dispatcher: bullmqDispatcher({ connection: { url: redis } }),
})
await service.start()
const range = { tenantId: 'acme', from: '2025-01-01', to: '2025-01-02' }
await (await service.triggerRecalcBatchAsync({ ...range, employeeIds: ['ann', 'bob'] })).result
tell({ type: 'done' })
await lines.next()
await service.stop()
tell({ type: 'stopped' })
await lines.return?.()
process.stdin.unref()
