import { describe, expect, test } from 'vitest'
import { checkEndedJob, outcomeOf } from '../../support/crash-checks.ts'
import { serverHostDb } from '../../support/crash-database.ts'
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
import { until } from '../../support/crash-observers.ts'
import { seed } from '../../support/seed.ts'
import { servers } from '../../support/servers.ts'
import { silentProxy } from '../../support/silent-proxy.ts'

const workload: Workload = { employees: 40, dates: 12, failures: 0 }
const request = (tenantId: string) => ({ tenantId, from: FROM, to: lastDate(workload) })

/** Long enough for a busy machine to come to the end of the job in. */
const LEASE_MS = 6_000
const STOP_MS = 1_000

describe.each(servers)('a process whose connections to $name go silent', async ({ open }) => {
  const database = await open()

  test('loses its job to another one within two leases, says so, and stops in its deadline', async () => {
    const db = database.connect<HostTables>()
    await createTables(db)
    const proxy = await silentProxy(database.url)
    const cut = serverHostDb(proxy.url, 8)
    const warnings: string[] = []
    const note = (_: unknown, message: string) => void warnings.push(message)
    const logger = { debug() {}, info() {}, warn: note, error: note }
    let calculated = 0
    let halfway: (() => void) | undefined
    const silent = new Promise<void>((resolve) => {
      halfway = resolve
    })
    const sick = hostOn(cut, {
      leaseMs: LEASE_MS,
      logger,
      hooks: {
        calculating() {
          calculated += 1
          if (calculated !== 200) return
          proxy.silence()
          halfway?.()
        },
      },
    })
    const healthy = hostOn(db, { leaseMs: LEASE_MS })
    await healthy.backend.migrate()
    for (const tenantId of ['struck', 'calm']) await fillTenant(db, tenantId, workload, randomOf(seed))
    await healthy.service.start()
    const job = await sick.service.triggerRecalcAllAsync(request('struck'))
    await silent
    const since = performance.now()
    const status = async () => (await healthy.service.getJob(job.id)).status
    await until('another process ends the job', async () => (await status()) === 'completed')
    expect(performance.now() - since).toBeLessThan(2 * LEASE_MS)
    await until('it is told', () => warnings.includes('The job is given up'))

    const stopping = performance.now()
    await sick.service.stop({ timeoutMs: STOP_MS })
    expect(performance.now() - stopping).toBeLessThan(STOP_MS + LEASE_MS / 3)
    expect((await job.result).status).toBe('interrupted')
    await (await healthy.service.triggerRecalcAllAsync(request('calm'))).result
    await checkEndedJob(healthy, 'struck')
    expect(await outcomeOf(healthy, 'struck')).toEqual(await outcomeOf(healthy, 'calm'))
    await healthy.service.stop()
    await proxy.close()
    await cut.destroy().catch(() => {}) // its connections are lost
  })
})
