import { getEventListeners } from 'node:events'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkEndedJob, outcomeOf, startReader } from '../../support/crash-checks.ts'
import { connectionLost, mysqlHostDb, type StatementHook } from '../../support/crash-database.ts'
import {
  createTables,
  FROM,
  fillTenant,
  type HostDb,
  hostOn,
  LEASE_MS,
  lastDate,
  randomOf,
  type Workload,
} from '../../support/crash-host.ts'
import { countHeld, countingCalls, countingClock, until } from '../../support/crash-observers.ts'
import { type MariadbServer, startMariadb, withDatabase } from '../../support/mariadb.ts'
import { seed } from '../../support/seed.ts'

const RESTARTS = 5
const workload: Workload = { employees: 120, dates: 16, failures: 12 }

let server: MariadbServer
let url: string

/** A Kysely on the private server that knows its connections. */
function connect(options: { readonly hook?: StatementHook; readonly connections?: number } = {}) {
  const { db, pool } = mysqlHostDb(url, { connectionLimit: options.connections ?? 8 }, options.hook)
  return { db, count: countHeld(pool) }
}

beforeAll(async () => {
  server = await startMariadb()
  url = withDatabase(server.url, 'host')
  const admin = await createConnection(server.url)
  await admin.query('create database host')
  await admin.end()
  const { db } = connect()
  await createTables(db)
  await db.destroy()
})

afterAll(() => server?.stop())

async function fill(db: HostDb, tenantIds: readonly string[], data: number): Promise<void> {
  for (const tenantId of tenantIds) await fillTenant(db, tenantId, workload, randomOf(data))
}

const request = (tenantId: string) => ({ tenantId, from: FROM, to: lastDate(workload) })

describe('a server that is killed and restarted again and again under a running job', () => {
  it('lets the job complete as if nothing had been, and leaves no timer, connection or heartbeat behind', async () => {
    const random = randomOf(seed)
    const { db, count } = connect()
    const clock = countingClock()
    let renewals = { calls: 0, atOnce: 0 }
    const host = hostOn(db, {
      clock,
      // Longer than the server is ever away: a run whose lease has run out ends.
      leaseMs: 60_000,
      block: { employees: 2, days: 2 },
      retry: { attempts: 1_000, minDelayMs: 10, maxDelayMs: 100 },
      observed(backend) {
        const counting = countingCalls(backend, 'renew')
        renewals = counting.count
        return counting.backend
      },
    })
    const readers = connect({ connections: 1 })
    const watched: string[] = []
    const reader = startReader(readers.db, () => watched)
    let restarts = 0
    let jobs = 0
    let mostTimers = 0
    for (; restarts < RESTARTS; jobs++) {
      const [struck, calm] = [`struck-${jobs}`, `calm-${jobs}`] as [string, string]
      await fill(db, [struck, calm], seed + jobs)
      watched.splice(0, watched.length, struck)
      const job = await host.service.triggerRecalcAllAsync(request(struck))
      let ended = false
      const result = job.result.finally(() => {
        ended = true
      })
      while (!ended) {
        // When the server dies is left to chance; nothing waits for this time to pass.
        await Promise.race([result, new Promise((resolve) => setTimeout(resolve, 100 + random() * 700))])
        if (ended) break
        await server.kill()
        mostTimers = Math.max(mostTimers, clock.pending)
        await server.restart()
        restarts += 1
      }
      const { status, error } = await result
      expect(['completed', 'completed_with_errors'], error?.message).toContain(status)
      await (await host.service.triggerRecalcAllAsync(request(calm))).result
      await checkEndedJob(host, struck)
      expect(await outcomeOf(host, struck)).toEqual(await outcomeOf(host, calm))
    }
    await host.service.stop()
    const { looks, sights } = await reader.stop()
    console.log(`${restarts} restarts during ${jobs} jobs, ${looks} looks, at most ${mostTimers} timers`)
    expect(sights).toEqual([])
    expect(renewals.atOnce).toBeLessThanOrEqual(1)
    expect(mostTimers).toBeLessThan(20)
    expect(clock.pending).toBe(0)
    expect(count.held).toBe(0)
    await Promise.all([db.destroy(), readers.db.destroy()])
  })
})

describe('a database that stays away', () => {
  it('costs no more timers, connections and heartbeats the longer it is away, and the job is found afterwards', async () => {
    const { db, count } = connect()
    let aheadMs = 0
    const clock = countingClock(() => aheadMs)
    let renewals = { calls: 0, atOnce: 0 }
    const host = hostOn(db, {
      clock,
      retry: { attempts: 3, minDelayMs: 5, maxDelayMs: 20 },
      observed(backend) {
        const counting = countingCalls(backend, 'renew')
        renewals = counting.count
        return counting.backend
      },
    })
    await fill(db, ['away', 'here'], seed)
    const signal = new AbortController().signal
    const job = await host.service.triggerRecalcAllAsync(request('away'), { signal })
    await until('the job is under way', async () => (await job.snapshot()).processedDays > 0)
    await server.kill()
    const timers: number[] = []
    let ended = false
    void job.result.then(() => {
      ended = true
    })
    await until('the run gives up', () => {
      timers.push(clock.pending)
      return ended
    })
    const result = await job.result
    expect(result).toMatchObject({ status: 'interrupted', error: { code: 'BACKEND_UNAVAILABLE' } })
    expect(Math.max(...timers)).toBeLessThan(20)
    expect(renewals.atOnce).toBeLessThanOrEqual(1)
    // A store call that nobody waits for any more ends with the last of its attempts: it has a timer between two of them, and a
    // connection during one.
    const nothingGoesOn = () => clock.pending + count.held + count.waiting === 0
    await until('nothing is pending once the run is over', nothingGoesOn)
    expect(count).toMatchObject({ held: 0, waiting: 0 })
    expect(getEventListeners(signal, 'abort')).toEqual([])

    // What a service does whose background care goes on while nothing can be reached.
    await expect(host.service.start()).rejects.toThrow()
    await until('nothing is pending once a start has failed', nothingGoesOn)

    await server.restart()
    expect(await host.service.getJob(job.id), 'its end could not be stored').toMatchObject({ status: 'running' })
    aheadMs += 2 * LEASE_MS
    await host.service.start()
    const recovered = await (await host.service.openJob(job.id)).result
    expect(['completed', 'completed_with_errors']).toContain(recovered.status)
    await (await host.service.triggerRecalcAllAsync(request('here'))).result
    await checkEndedJob(host, 'away')
    expect(await outcomeOf(host, 'away')).toEqual(await outcomeOf(host, 'here'))
    await host.service.stop()
    expect(clock.pending).toBe(0)
    await db.destroy()
  })

  it('interrupts a job after three failures in a row of the same block, and the job can be resumed', async () => {
    let failing = false
    let failures = 0
    const { db, count } = connect({
      hook: async (statement, run) => {
        if (!failing || !statement.includes('crash_hours')) return run()
        failures += 1
        throw connectionLost()
      },
    })
    const host = hostOn(db, { concurrency: 1, retry: { attempts: 3, minDelayMs: 1, maxDelayMs: 2 } })
    await fill(db, ['failing', 'fine'], seed)
    const job = await host.service.triggerRecalcAllAsync(request('failing'))
    await until('the job is under way', async () => (await job.snapshot()).processedDays > 0)
    failing = true
    expect(await job.result).toMatchObject({ status: 'interrupted', error: { code: 'BACKEND_UNAVAILABLE' } })
    expect(failures).toBe(3)
    failing = false
    const { status, processedDays, result } = await job.snapshot()
    expect(status).toBe('interrupted')
    expect(result?.processedDays).toBe(processedDays)
    await (await host.service.resumeJob(job.id)).result
    await (await host.service.triggerRecalcAllAsync(request('fine'))).result
    await checkEndedJob(host, 'failing')
    expect(await outcomeOf(host, 'failing')).toEqual(await outcomeOf(host, 'fine'))
    await host.service.stop()
    expect(count.held).toBe(0)
    await db.destroy()
  })
})
