import { existsSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { serverHostDb } from './crash-database.ts'
import { clockAhead, FROM, hostOn, lastDate, type Workload } from './crash-host.ts'

/** What a worker process is told to do. */
export interface Orders {
  readonly url: string
  readonly tenantId: string
  readonly workload: Workload
  /** How far its clock is ahead: the lease of the one before it has run out. */
  readonly aheadMs: number
  /** `again` takes the job up once more when it has ended with errors. */
  readonly phase: 'first' | 'again'
  /**
   * Blocks the event loop when the given employee is calculated, in the middle of that transaction or before the next one,
   * until the file is there.
   */
  readonly stall?: { readonly employeeId: string; readonly inTransaction: boolean; readonly wakeFile: string }
  /** One lane, and no progress told on the way: while a block is calculated nothing else is written. */
  readonly quiet?: boolean
}

/** What it tells, a line each. */
export type Report =
  | { readonly type: 'warm' }
  | { readonly type: 'working' }
  | { readonly type: 'begun' }
  | { readonly type: 'stalling' }
  | { readonly type: 'done'; readonly status: string; readonly error?: { readonly code: string } }

function tell(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

/** Does what is to be done from wherever it stands: a new job, one that died, or one that is to be done again. */
async function work(orders: Orders): Promise<void> {
  const { url, tenantId, workload, aheadMs, phase, stall, quiet = false } = orders
  const db = serverHostDb(url, 6)
  let reached = false
  let stalled = false
  const stallNow = (wakeFile: string) => {
    stalled = true
    // Pipes are written to by the event loop, which is about to stand still.
    writeSync(1, `${JSON.stringify({ type: 'stalling' } satisfies Report)}\n`)
    while (!existsSync(wakeFile)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  }
  const { service } = hostOn(db, {
    ...(quiet && { concurrency: 1, progressIntervalMs: 60_000 }),
    clock: clockAhead(aheadMs),
    hooks: {
      calculating({ employeeId }) {
        if (!stall || stalled || employeeId !== stall.employeeId) return
        reached = true
        if (stall.inTransaction) stallNow(stall.wakeFile)
      },
    },
    observed: ({ unitOfWork, jobs }) => ({
      jobs,
      unitOfWork: {
        ...unitOfWork,
        run(work) {
          if (stall && reached && !stalled) stallNow(stall.wakeFile)
          return unitOfWork.run(work)
        },
      },
    }),
  })
  tell({ type: 'working' })
  await service.start()
  // Whoever died before it got an answer asks again, with the same key.
  const request = { tenantId, from: FROM, to: lastDate(workload) }
  let job = await service.triggerRecalcAllAsync(request, { idempotencyKey: 'monday' })
  const { status } = await job.snapshot()
  if (phase === 'again' && status === 'completed_with_errors') job = await service.resumeJob(job.id)
  tell({ type: 'begun' })
  const result = await job.result
  tell({ type: 'done', status: result.status, ...(result.error && { error: result.error }) })
  await service.stop()
  await db.destroy()
}

tell({ type: 'warm' })
for await (const line of createInterface({ input: process.stdin })) {
  // As the test wrote it.
  await work(JSON.parse(line) as Orders)
  break
}
process.stdin.destroy()
