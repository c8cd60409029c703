import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import { JobConflictError, type JobEvent } from '../../../src/index.ts'
import { checkEndedJob, outcomeOf } from '../../support/crash-checks.ts'
import {
  clockAhead,
  createTables,
  FROM,
  fillTenant,
  type Host,
  type HostDb,
  type HostTables,
  hostOn,
  LEASE_MS,
  lastDate,
  randomOf,
  type Workload,
} from '../../support/crash-host.ts'
import { until } from '../../support/crash-observers.ts'
import { HostProcess } from '../../support/crash-process.ts'
import type { Orders, Report } from '../../support/crash-worker.ts'
import { seed } from '../../support/seed.ts'
import { servers } from '../../support/servers.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const workload: Workload = { employees: 16, dates: 12, failures: 4 }
const steady: Workload = { ...workload, failures: 0 }
const request = (tenantId: string) => ({ tenantId, from: FROM, to: lastDate(workload) })

describe.each(servers)('processes on one $name', async ({ open }) => {
  const database = await open()
  let db: HostDb
  let host: Host

  beforeAll(async () => {
    db = database.connect<HostTables>()
    await createTables(db)
    host = hostOn(db)
  })

  async function tokenOf(tenantId: string): Promise<number> {
    const [job] = await host.service.listJobs({ tenantId })
    const { rows } = await sql<{
      token: number
    }>`select lease_token as token from recalc_jobs where id = ${job?.id}`.execute(db)
    return Number(rows[0]?.token)
  }

  async function eventsOf(tenantId: string): Promise<readonly JobEvent[]> {
    const [job] = await host.service.listJobs({ tenantId })
    return await host.backend.jobs.events(job!.id, { after: 0, limit: 100_000 })
  }

  async function calmTwin(tenantId: string, data: number, workload: Workload): Promise<void> {
    await fillTenant(db, tenantId, workload, randomOf(data))
    await (await host.service.triggerRecalcAllAsync(request(tenantId))).result
  }

  describe('an owner whose event loop stands still beyond its lease', () => {
    it.each([
      ['in the middle of a block', true],
      ['between two blocks', false],
    ])(
      'writes nothing after it wakes: %s',
      async (_, inTransaction) => {
        const [stuck, calm] = [`stuck-${inTransaction}`, `calm-${inTransaction}`] as [string, string]
        await fillTenant(db, stuck, steady, randomOf(seed))
        const wakeFile = join(temporaryFolder(), 'wake')
        // Without failures and with one lane the sleeper has no other transaction open, which would hold up its heir.
        const orders = { url: database.url, tenantId: stuck, workload: steady, phase: 'first' } as const
        await using sleeper = new HostProcess<Orders, Report>('./crash-worker.ts')
        await using heir = new HostProcess<Orders, Report>('./crash-worker.ts')
        sleeper.order({ ...orders, aheadMs: 0, quiet: true, stall: { employeeId: 'e0007', inTransaction, wakeFile } })
        await sleeper.told('stalling')
        const before = await tokenOf(stuck)
        heir.order({ ...orders, aheadMs: 2 * LEASE_MS })
        if (inTransaction) await until('the job is taken over', async () => (await tokenOf(stuck)) > before)
        else await heir.told('done')
        writeFileSync(wakeFile, '')
        expect(await sleeper.told('done')).toMatchObject({ status: 'interrupted', error: { code: 'LEASE_LOST' } })
        expect(await heir.told('done')).toMatchObject({ status: 'completed' })
        await Promise.all([sleeper.ended(), heir.ended()])
        expect(await tokenOf(stuck)).toBe(before + 1)
        await calmTwin(calm, seed, steady)
        await checkEndedJob(host, stuck)
        expect(await outcomeOf(host, stuck)).toEqual(await outcomeOf(host, calm))
      },
      60_000,
    )
  })

  describe('processes that act at the same time', () => {
    const SERVICES = 6

    /** Services of as many processes: nothing is shared but the database. */
    function services(aheadMs: number): readonly Host[] {
      return Array.from({ length: SERVICES }, () =>
        hostOn(database.connect<HostTables>({ connections: 5 }), { clock: clockAhead(aheadMs) }),
      )
    }

    it('let exactly one of them begin a job, and tell the others its id', async () => {
      const rivals = services(0)
      for (let round = 0; round < 20; round++) {
        const tenantId = `rivals-${round}`
        // The job must last until the last of them has asked.
        await fillTenant(db, tenantId, steady, randomOf(seed + round))
        const settled = await Promise.allSettled(
          rivals.map(({ service }) => service.triggerRecalcAllAsync(request(tenantId))),
        )
        const [winner, ...others] = settled.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
        expect(others, `round ${round}`).toEqual([])
        const refused = settled.filter((one) => one.status === 'rejected').map(({ reason }) => reason as unknown)
        for (const reason of refused) {
          expect(reason).toBeInstanceOf(JobConflictError)
          expect(reason).toMatchObject({ activeJobId: winner?.id })
        }
        expect(refused).toHaveLength(SERVICES - 1)
        await winner?.result
      }
      await Promise.all(rivals.map(({ service }) => service.stop()))
    })

    it('recover a dead job once', async () => {
      for (let round = 0; round < 3; round++) {
        const [dead, calm] = [`dead-${round}`, `calm-${round}`] as [string, string]
        await fillTenant(db, dead, workload, randomOf(seed + round))
        await using victim = new HostProcess<Orders, Report>('./crash-worker.ts')
        const noFile = join(tmpdir(), 'recalc-never-there')
        const stall = { employeeId: 'e0009', inTransaction: true, wakeFile: noFile }
        victim.order({ url: database.url, tenantId: dead, workload, phase: 'first', aheadMs: 0, stall })
        await victim.told('stalling')
        await victim.kill()
        const recovering = services((round + 1) * 2 * LEASE_MS)
        await Promise.all(recovering.map(({ service }) => service.start()))
        const [job] = await host.service.listJobs({ tenantId: dead })
        await (await host.service.openJob(job!.id)).result
        expect(await tokenOf(dead)).toBe(2)
        const begun = (await eventsOf(dead)).filter(({ type }) => type === 'started' || type === 'resumed')
        expect(begun.length, 'the first run may have died before it was told').toBe(
          (await host.service.getJob(job!.id)).runs,
        )
        expect(begun.length).toBeLessThanOrEqual(2)
        await Promise.all(recovering.map(({ service }) => service.stop()))
        await calmTwin(calm, seed + round, workload)
        await checkEndedJob(host, dead)
        expect(await outcomeOf(host, dead)).toEqual(await outcomeOf(host, calm))
      }
    })
  })
})
