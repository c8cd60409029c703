import { describe, expect, test } from 'vitest'
import { sqlBackend } from '../../src/sql/index.ts'
import { serverHostDb } from '../support/crash-database.ts'
import { HostProcess } from '../support/crash-process.ts'
import { seed } from '../support/seed.ts'
import type { EditOrders, EditReport } from './ledger/edit-process.ts'
import { editSome } from './ledger/random-edits.ts'
import {
  clockSince,
  createTimeTables,
  derivedRows,
  EMPLOYEES,
  FROM,
  type Release,
  TENANTS,
  type TimeDb,
  TODAY,
  timeService,
} from './ledger/time-host.ts'
import { Random } from './random.ts'
import { servers } from './servers.ts'

/** RECALC_TEST_CHANGES=1000000 RECALC_TEST_LEDGER_KILLS=200 for a long look, which tells every so often how far it is. */
const CHANGES = Number(process.env.RECALC_TEST_CHANGES ?? 4_000)
/** At least so many processes are killed meanwhile. */
const KILLS = Number(process.env.RECALC_TEST_LEDGER_KILLS ?? 12)
const KILLS_PER_RESTART = 7
const KILLS_PER_DEPLOY = 5
const KILLS_PER_NOTICE = 20

const ROLES = [
  { edits: true, settles: false },
  { edits: true, settles: false },
  { edits: true, settles: true },
  { edits: true, settles: true },
  { edits: false, settles: true },
  { edits: false, settles: true },
] as const

type Process = HostProcess<EditOrders, EditReport>

describe.each(servers)('on $name', ({ start }) => {
  test(
    `of ${CHANGES} changes noted under kills, restarts and deploys none is lost`,
    async () => {
      await using stack = new AsyncDisposableStack()
      const server = stack.adopt(await start(), (one) => one.stop())
      const url = await hostDatabase(server.url)
      const db = stack.adopt(serverHostDb(url, 4) as unknown as TimeDb, (one) => one.destroy())
      const random = new Random(seed)
      const begun = Date.now()
      await fill(db, random, begun)

      const fleet = stack.use(new Fleet({ url, begun, random }))
      let [kills, restarts, deploys] = [0, 0, 0]
      while (fleet.changes < CHANGES || kills < KILLS) {
        // When a process dies is left to chance; nothing waits for this time to pass.
        const share = Math.max(1, (CHANGES - fleet.changes) / Math.max(1, KILLS - kills))
        await fleet.noted(Math.ceil(share * 2 * random.next()))
        await fleet.replaceOne()
        kills += 1
        if (kills % KILLS_PER_DEPLOY === 0) {
          fleet.release = fleet.release === 'old' ? 'new' : 'old'
          deploys += 1
        }
        if (kills % KILLS_PER_RESTART === 0) {
          await server.kill()
          await server.restart()
          restarts += 1
        }
        if (kills % KILLS_PER_NOTICE === 0) console.log(`${fleet.changes} changes, ${kills} kills`)
      }
      await fleet.end()
      const changes = fleet.changes
      expect(fleet.complaints).toEqual([])

      await using recalc = timeService(db, 'new', { clock: clockSince(begun) })
      await settleAll(db, recalc, fleet)
      const settled = await derivedRows(db)
      const results = await Promise.all(
        TENANTS.map((tenantId) =>
          recalc.triggerRecalcBatch({ tenantId, employeeIds: EMPLOYEES, from: FROM, to: TODAY }),
        ),
      )
      // The rows that are different tell more than their number.
      expect(await derivedRows(db)).toEqual(settled)
      for (const result of results) {
        expect(result).toMatchObject({ status: 'completed', unchangedDays: result.processedDays })
      }
      const seconds = Math.round((Date.now() - begun) / 1_000)
      console.log(`${changes} changes, ${kills} kills, ${restarts} restarts, ${deploys} deploys, ${seconds} s`)
    },
    3 * 3_600_000,
  )
})

async function hostDatabase(server: string): Promise<string> {
  const isPostgres = server.startsWith('postgres')
  if (isPostgres) return `${server}/postgres`
  const admin = serverHostDb(`${server}/mysql`, 1)
  await admin.schema.createSchema('host').execute()
  await admin.destroy()
  return `${server}/host`
}

/** Everything is calculated at the beginning. */
async function fill(db: TimeDb, random: Random, begun: number): Promise<void> {
  await createTimeTables(db)
  await sqlBackend(db).migrate()
  for (let times = 0; times < 3; times++) await db.transaction().execute((tx) => editSome(tx, random, 'new', 1_000))
  await using recalc = timeService(db, 'new', { clock: clockSince(begun) })
  for (const tenantId of TENANTS) {
    await recalc.triggerRecalcBatch({ tenantId, employeeIds: EMPLOYEES, from: FROM, to: TODAY })
  }
}

/** What a host does at the end of a deploy and of a closing; then those who were started settle, and at last this process. */
async function settleAll(db: TimeDb, recalc: ReturnType<typeof timeService>, fleet: Fleet): Promise<void> {
  // Old processes knew nothing of the new stage.
  await db.transaction().execute(async (tx) => {
    for (const tenantId of TENANTS) await recalc.noteChange(tx, { tenantId, table: 'absences' })
  })
  fleet.startSettler()
  await expect
    .poll(
      async () => {
        const { changes, failing, held } = await recalc.freshness()
        return changes - failing - held
      },
      { interval: 50 },
    )
    .toBe(0)
  await fleet.end()
  await db.deleteFrom('closings').execute()
  for (const tenantId of TENANTS) {
    await recalc.releaseHeld({ tenantId })
    await recalc.settle({ tenantId })
  }
  expect(await recalc.freshness()).toMatchObject({ changes: 0, dirtyEmployees: 0 })
}

/** The host's processes, each of which may be killed at any time. */
class Fleet implements AsyncDisposable {
  release: Release = 'old'
  readonly complaints: string[] = []
  readonly #given: { readonly url: string; readonly begun: number; readonly random: Random }
  readonly #processes: Process[] = []
  #spare: Process = spawned()
  #ofTheDead = 0

  constructor(given: { readonly url: string; readonly begun: number; readonly random: Random }) {
    this.#given = given
    for (const role of ROLES) this.#processes.push(this.#start(role))
  }

  /** How many changes were told to be committed. */
  get changes(): number {
    return this.#processes.reduce((sum, one) => sum + notedBy(one), this.#ofTheDead)
  }

  /** Resolves when so many more changes are noted, or after a while: a server that has come back is slow at first. */
  async noted(more: number): Promise<void> {
    const wanted = this.changes + more
    for (let looks = 0; this.changes < wanted && looks < 1_000; looks++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Kills one at random and starts another in its place, of the present release. */
  async replaceOne(): Promise<void> {
    const place = this.#given.random.between(0, ROLES.length - 1)
    const role = ROLES[place]
    const old = this.#processes[place]
    if (!role || !old) return
    await this.#kill(old)
    this.#processes[place] = this.#start(role)
  }

  startSettler(): void {
    this.release = 'new'
    this.#processes.push(this.#start({ edits: false, settles: true }))
  }

  async end(): Promise<void> {
    for (const one of this.#processes.splice(0)) await this.#kill(one)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await this.#spare.kill()
  }

  #start(role: Pick<EditOrders, 'edits' | 'settles'>): Process {
    const { url, begun, random } = this.#given
    const started = this.#spare
    this.#spare = spawned()
    started.order({ url, begun, release: this.release, seed: random.between(1, 1_000_000_000), ...role })
    return started
  }

  async #kill(one: Process): Promise<void> {
    await one.kill()
    this.#ofTheDead += notedBy(one)
    if (/Error/.test(one.errors)) this.complaints.push(one.errors)
  }
}

function spawned(): Process {
  return new HostProcess('../chaos/ledger/edit-process.ts')
}

function notedBy({ reports }: Process): number {
  return reports.reduce((sum, report) => sum + (report.type === 'noted' ? report.changes : 0), 0)
}
