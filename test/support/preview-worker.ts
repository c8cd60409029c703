import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { serverHostDb } from './crash-database.ts'
import { FROM, hostOn, lastDate, type Workload } from './crash-host.ts'

/** What a process is told that previews until it is killed. */
export interface PreviewOrders {
  readonly url: string
  readonly tenantId: string
  readonly workload: Workload
  /** The event loop stands still for good when this day of anybody is calculated, in the middle of that transaction. */
  readonly stallOn?: string
}

/** What it tells, a line each. */
export type PreviewReport = { readonly type: 'warm' } | { readonly type: 'begun' } | { readonly type: 'stalling' }

/** Pipes are written to by the event loop, which may be about to stand still. */
function tell(report: PreviewReport): void {
  writeSync(1, `${JSON.stringify(report)}\n`)
}

async function previewForEver({ url, tenantId, workload, stallOn }: PreviewOrders): Promise<never> {
  const { service } = hostOn(serverHostDb(url, 6), {
    hooks: {
      calculating({ date }) {
        if (date !== stallOn) return
        tell({ type: 'stalling' })
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      },
    },
  })
  tell({ type: 'begun' })
  for (;;) await service.preview({ tenantId, from: FROM, to: lastDate(workload) }).summary
}

tell({ type: 'warm' })
for await (const line of createInterface({ input: process.stdin })) {
  // As the test wrote it.
  await previewForEver(JSON.parse(line) as PreviewOrders)
}
