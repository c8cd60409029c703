import { describe, expect, it } from 'vitest'
import { checkEndedJob, rowsOf } from '../../support/crash-checks.ts'
import {
  createTables,
  FROM,
  fillTenant,
  type HostTables,
  hostOn,
  lastDate,
  randomOf,
  type Workload,
} from '../../support/crash-host.ts'
import { HostProcess } from '../../support/crash-process.ts'
import type { WorkerOrders, WorkerReport } from '../../support/queue-worker.ts'
import { seed } from '../../support/seed.ts'
import { servers } from '../../support/servers.ts'

const KILLS = 12
/** No call of the store may take longer, on a busy machine either. */
const LEASE_MS = 60_000
/** The longest that a worker lives once it calculates. */
const LONGEST_LIFE_MS = 80

const workload: Workload = { employees: 16, dates: 12, failures: 0 }
const DAYS = workload.employees * workload.dates

const SHOP = 'shop'
const OFFICE = 'office'
const CALM = 'calm'

describe.each(servers)(
  'a web process that stores jobs, and worker processes that are killed, on $name',
  async ({ open }) => {
    const database = await open()

    it('do every job once, those of one scope one after the other in their order', async () => {
      const random = randomOf(seed)
      const db = database.connect<HostTables>()
      await createTables(db)
      const web = hostOn(db, { worker: false, leaseMs: LEASE_MS })
      for (const tenantId of [SHOP, OFFICE, CALM]) await fillTenant(db, tenantId, workload, randomOf(seed))
      const calm = hostOn(db)
      const range = { from: FROM, to: lastDate(workload) }
      await (await calm.service.triggerRecalcAllAsync({ tenantId: CALM, ...range })).result
      await calm.service.stop()

      const { service } = web
      const inShop = []
      for (let i = 0; i < 4; i++) {
        inShop.push(await service.triggerRecalcAllAsync({ tenantId: SHOP, ...range }, { whenBusy: 'queue' }))
      }
      const other = await service.triggerRecalcAllAsync({ tenantId: OFFICE, ...range })
      const jobs = [...inShop, other]
      let over = false
      let looks = 0
      const overtaken: unknown[] = []
      const watching = (async () => {
        while (!over) {
          const running = await service.listJobs({ tenantId: SHOP, status: 'running' })
          if (running.length > 1) overtaken.push(running.map(({ id }) => id))
          looks += 1
        }
      })()
      const done = Promise.all(jobs.map((job) => job.result))
      try {
        for (let kills = 0; ; kills++) {
          await using worker = new HostProcess<WorkerOrders, WorkerReport>('./queue-worker.ts')
          await worker.told('warm')
          worker.order({ url: database.url, aheadMs: (kills + 1) * 2 * LEASE_MS, leaseMs: LEASE_MS })
          if (kills === KILLS) {
            await done
            break
          }
          const isDone = await Promise.race([worker.told('calculating').then(() => false), done.then(() => true)])
          if (isDone) break
          // When it dies is left to chance; nothing waits for this time to pass.
          await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_LIFE_MS))
          await worker.kill()
        }
      } finally {
        over = true
        await watching
      }
      expect(overtaken).toEqual([])
      expect(looks).toBeGreaterThan(10)
      for (const { status, processedDays } of await done)
        expect({ status, processedDays }).toEqual({ status: 'completed', processedDays: DAYS })
      const shop = await Promise.all(inShop.map((job) => job.snapshot()))
      for (const [i, job] of shop.entries()) {
        const before = shop[i - 1]
        if (before) expect(before.finishedAt!.getTime()).toBeLessThanOrEqual(job.startedAt!.getTime())
      }
      await checkEndedJob(web, OFFICE)
      for (const tenantId of [SHOP, OFFICE]) {
        for (const table of ['crash_hours', 'crash_balances'] as const) {
          expect(await rowsOf(db, table, tenantId)).toEqual(await rowsOf(db, table, CALM))
        }
      }
      await service.stop()
    })
  },
)
