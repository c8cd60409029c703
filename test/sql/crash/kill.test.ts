import { describe, expect, it } from 'vitest'
import { checkEndedJob, outcomeOf, startReader } from '../../support/crash-checks.ts'
import {
  correctBookings,
  createTables,
  FROM,
  fillTenant,
  type Host,
  type HostTables,
  hostOn,
  LEASE_MS,
  lastDate,
  randomOf,
  type Workload,
} from '../../support/crash-host.ts'
import { HostProcess } from '../../support/crash-process.ts'
import type { Orders, Report } from '../../support/crash-worker.ts'
import { seed } from '../../support/seed.ts'
import { servers } from '../../support/servers.ts'

const KILLS = Number(process.env.RECALC_TEST_KILLS ?? 30)
/** The longest that a worker lives once it is at work. */
const LONGEST_LIFE_MS = 100
/** So many kills at most fall into one run, so that there are several, repairing ones among them. */
const KILLS_PER_RUN = 13

const workload: Workload = { employees: 24, dates: 16, failures: 9 }

type Worker = HostProcess<Orders, Report>

/** Workers that wait for their orders, so that none is lost on starting Node. */
class WarmWorkers {
  readonly #spare: Worker[] = []

  next(): Worker {
    while (this.#spare.length < 2) this.#spare.push(new HostProcess('./crash-worker.ts'))
    return this.#spare.shift()!
  }

  async end(): Promise<void> {
    await Promise.all(this.#spare.map((worker) => worker.kill()))
  }
}

/** Runs a tenant's job to its end, killing one worker after the other; how many were killed. */
async function runUnderKills(
  workers: WarmWorkers,
  orders: Omit<Orders, 'aheadMs'>,
  ahead: { ms: number },
  random: () => number,
  most: number,
): Promise<number> {
  for (let kills = 0; ; kills++) {
    const worker = workers.next()
    await worker.told('warm')
    ahead.ms += 2 * LEASE_MS
    worker.order({ ...orders, aheadMs: ahead.ms })
    await worker.told(random() < 0.2 ? 'working' : 'begun')
    if (kills >= most) {
      await worker.told('done')
      await worker.ended()
      return kills
    }
    // When it dies is left to chance; nothing waits for this time to pass.
    const life = new Promise((resolve) => setTimeout(resolve, random() * LONGEST_LIFE_MS))
    await Promise.race([life, worker.ended()])
    const done = worker.reports.some(({ type }) => type === 'done')
    await worker.kill()
    if (done) return kills
  }
}

async function undisturbed({ service }: Host, tenantId: string, phase: Orders['phase']): Promise<void> {
  const [job] = await service.listJobs({ tenantId })
  const handle =
    phase === 'again' && job
      ? await service.resumeJob(job.id)
      : await service.triggerRecalcAllAsync({ tenantId, from: FROM, to: lastDate(workload) })
  await handle.result
}

describe.each(servers)('workers that are killed at random moments, on $name', async ({ open }) => {
  const database = await open()

  it(`come to the end of an undisturbed run, over ${KILLS} kills, and no reader ever sees half a day`, async () => {
    const random = randomOf(seed)
    const db = database.connect<HostTables>()
    await createTables(db)
    const host = hostOn(db)
    const workers = new WarmWorkers()
    const watched: string[] = []
    const reader = startReader(database.connect<HostTables>({ connections: 1 }), () => watched)
    const ahead = { ms: 0 }
    let kills = 0
    let jobs = 0
    try {
      for (; kills < KILLS; jobs++) {
        const [killed, calm] = [`killed-${jobs}`, `calm-${jobs}`] as [string, string]
        const data = Math.floor(random() * 1_000_000)
        for (const tenantId of [killed, calm]) await fillTenant(db, tenantId, workload, randomOf(data))
        watched.splice(0, watched.length, killed)
        for (const phase of ['first', 'again'] as const) {
          if (phase === 'again') for (const tenantId of [killed, calm]) await correctBookings(db, tenantId)
          const orders = { url: database.url, tenantId: killed, workload, phase }
          kills += await runUnderKills(workers, orders, ahead, random, Math.min(KILLS_PER_RUN, KILLS - kills))
          await undisturbed(host, calm, phase)
          await checkEndedJob(host, killed)
          await checkEndedJob(host, calm)
          expect(await outcomeOf(host, killed), `job ${jobs}, ${phase} run`).toEqual(await outcomeOf(host, calm))
        }
      }
    } finally {
      await workers.end()
      await host.service.stop()
    }
    const { looks, sights } = await reader.stop()
    console.log(`${kills} kills during ${jobs} jobs, ${looks} looks`)
    expect(sights).toEqual([])
    expect(looks).toBeGreaterThan(kills)
  })
})
