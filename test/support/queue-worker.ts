import { createInterface } from 'node:readline'
import { bullmqDispatcher } from '../../src/bullmq/index.ts'
import { serverHostDb } from './crash-database.ts'
import { clockAhead, hostOn } from './crash-host.ts'
import { startUntilReachable } from './start-service.ts'

/** What a worker process is told to do: take jobs until it is killed. */
export interface WorkerOrders {
  readonly url: string
  /** How far its clock is ahead: the leases of those before it have run out. */
  readonly aheadMs: number
  readonly leaseMs: number
  /** A Redis over which workers share lanes. Default: each does its jobs by itself. */
  readonly redis?: string
  /** How long each block takes at least. Default 0. */
  readonly blockMs?: number
}

/** What it tells, a line each. */
export type WorkerReport = { readonly type: 'warm' } | { readonly type: 'started' } | { readonly type: 'calculating' }

function tell(report: WorkerReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

tell({ type: 'warm' })
process.stdin.once('end', () => process.exit()) // the test is no more, whatever ended it
for await (const line of createInterface({ input: process.stdin })) {
  // As the test wrote it.
  const { url, aheadMs, leaseMs, redis, blockMs = 0 } = JSON.parse(line) as WorkerOrders
  let hasBegun = false
  const { service } = hostOn(serverHostDb(url, 6), {
    clock: clockAhead(aheadMs),
    leaseMs,
    queuePollMs: 10,
    maxJobs: 2,
    ...(redis !== undefined && { dispatcher: bullmqDispatcher({ connection: { url: redis } }) }),
    hooks: {
      ...(blockMs > 0 && { loading: () => new Promise((resolve) => setTimeout(resolve, blockMs)) }),
      calculating() {
        if (!hasBegun) tell({ type: 'calculating' })
        hasBegun = true
      },
    },
  })
  await startUntilReachable(service)
  tell({ type: 'started' })
}
