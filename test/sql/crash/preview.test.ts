import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { addDays } from '../../../src/index.ts'
import {
  createTables,
  FROM,
  fillTenant,
  type HostDb,
  type HostTables,
  hostOn,
  lastDate,
  randomOf,
  type Workload,
} from '../../support/crash-host.ts'
import { HostProcess } from '../../support/crash-process.ts'
import type { PreviewOrders, PreviewReport } from '../../support/preview-worker.ts'
import { seed } from '../../support/seed.ts'
import { servers } from '../../support/servers.ts'

const KILLS = Number(process.env.RECALC_TEST_KILLS ?? 4)
const ABORTS = Number(process.env.RECALC_TEST_RUNS ?? 12)
/** The longest that a process lives once it previews. */
const LONGEST_LIFE_MS = 300

const TENANT = 'acme'
const workload: Workload = { employees: 6, dates: 12, failures: 3 }
const request = { tenantId: TENANT, from: FROM, to: lastDate(workload) }

const TABLES = [
  ...['crash_employees', 'crash_bookings', 'crash_hours', 'crash_balances', 'crash_saves', 'crash_steady'],
  ...['jobs', 'job_employees', 'lanes', 'failures', 'events', 'locks', 'changes', 'corrections'].map(
    (table) => `recalc_${table}`,
  ),
]

describe.each(servers)('on $name, a preview leaves every row as it was', async ({ open }) => {
  const database = await open()
  const db = database.connect<HostTables>()
  const random = randomOf(seed)
  let before: unknown

  beforeAll(async () => {
    await createTables(db)
    await fillTenant(db, TENANT, workload, random)
    before = await dumpOf(db)
  })

  test('when its process is killed with what it has saved in open transactions', async () => {
    await using worker = new HostProcess<PreviewOrders, PreviewReport>('./preview-worker.ts')
    // By then the blocks before this day have been saved.
    worker.order({ url: database.url, tenantId: TENANT, workload, stallOn: addDays(FROM, 9) })
    await worker.told('stalling')
    expect(await dumpOf(db)).toEqual(before)
    await worker.kill()
    expect(await dumpOf(db)).toEqual(before)
    // Nothing that it had locked stays locked.
    const { service } = hostOn(db)
    expect(await service.preview(request).summary).toMatchObject({ status: 'completed' })
    await service.stop()
  }, 60_000)

  test(`when its process is killed at random moments, ${KILLS} times`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      await using worker = new HostProcess<PreviewOrders, PreviewReport>('./preview-worker.ts')
      worker.order({ url: database.url, tenantId: TENANT, workload })
      await worker.told('begun')
      // When it dies is left to chance; nothing waits for this time to pass.
      await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_LIFE_MS))
      await worker.kill()
      expect(await dumpOf(db), `kill ${kill}`).toEqual(before)
    }
  }, 120_000)

  test(`when it is aborted before any statement, ${ABORTS} times`, async () => {
    let statements = 0
    let abortAt = Number.POSITIVE_INFINITY
    let abort = new AbortController()
    const watched = database.connect<HostTables>({
      hook: (_, run) => {
        statements += 1
        if (statements === abortAt) abort.abort(new Error('the client has gone'))
        return run()
      },
    })
    const { service } = hostOn(watched)
    await service.preview(request).summary
    const total = statements
    for (let i = 0; i < ABORTS; i++) {
      abort = new AbortController()
      statements = 0
      abortAt = 1 + Math.floor(random() * total * 0.8)
      const aborted = service.preview(request, { signal: abort.signal })
      await expect(aborted.summary, `before statement ${abortAt}`).rejects.toThrow('the client has gone')
      expect(await dumpOf(db), `before statement ${abortAt}`).toEqual(before)
    }
    await service.stop()
  }, 120_000)

  test('when it takes longer than a unit of work may', async () => {
    const { service } = hostOn(db, { unitOfWorkTimeoutMs: 1_000, retry: { attempts: 1 } })
    const blocker = Promise.withResolvers<void>()
    const isBlocking = Promise.withResolvers<void>()
    const blocking = db.transaction().execute(async (tx) => {
      const own = tx.updateTable('crash_hours').set({ version: 9 }).where('tenant_id', '=', TENANT)
      await own.where('employee_id', '=', 'e0003').execute()
      isBlocking.resolve()
      await blocker.promise
      throw new Error('taken back')
    })
    await isBlocking.promise
    const { errors } = await service.preview(request).summary
    blocker.resolve()
    await expect(blocking).rejects.toThrow('taken back')
    const late = errors.filter(({ code }) => code === 'UNIT_OF_WORK_TIMEOUT').map(({ employeeId }) => employeeId)
    expect(late).toContain('e0003')
    expect(late).not.toContain('e0001')
    expect(await dumpOf(db)).toEqual(before)
    expect(await service.preview(request).summary).toMatchObject({ status: 'completed' })
    await service.stop()
  }, 60_000)
})

/** Every row of the host and of the library. */
async function dumpOf(db: HostDb): Promise<Readonly<Record<string, readonly string[]>>> {
  const dump: Record<string, readonly string[]> = {}
  for (const table of TABLES) {
    const { rows } = await sql`select * from ${sql.table(table)}`.execute(db)
    dump[table] = rows.map((row) => JSON.stringify(row)).toSorted()
  }
  return dump
}
