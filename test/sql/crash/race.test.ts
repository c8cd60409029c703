import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { addDays } from '../../../src/index.ts'
import { rowsOf, startReader } from '../../support/crash-checks.ts'
import {
  COMING_AND_GOING,
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
import type { RaceOrders, RaceReport } from '../../support/crash-racer.ts'
import { seed } from '../../support/seed.ts'
import { servers } from '../../support/servers.ts'

const RACE_MS = Number(process.env.RECALC_TEST_RACE_MS ?? 8_000)
const workload: Workload = { employees: 16, dates: 10, failures: 0 }

describe.each(servers)('two processes that edit, trigger and run jobs at the same time on $name', async ({ open }) => {
  const database = await open()

  it(
    'keep the derived tables right, and no caller and no reader ever notices the other',
    async () => {
      const db = database.connect<HostTables>()
      await createTables(db)
      const { service } = hostOn(db)
      await fillTenant(db, 'raced', workload, randomOf(seed))
      const unsteady = COMING_AND_GOING.map((day) => addDays(FROM, day) as string)
      await db.deleteFrom('crash_steady').where('work_date', 'in', unsteady).execute()
      const all = { from: FROM, to: lastDate(workload) }
      await service.triggerRecalcAll({ tenantId: 'raced', ...all })
      const reader = startReader(database.connect<HostTables>({ connections: 1 }), () => ['raced'])
      const orders = { url: database.url, tenantId: 'raced', workload, forMs: RACE_MS }
      const reports = await Promise.all(
        [1, 2].map(async (number) => {
          await using racer = new HostProcess<RaceOrders, RaceReport>('./crash-racer.ts')
          racer.order({ ...orders, seed: number })
          return await racer.told('raced')
        }),
      )
      const { looks, sights } = await reader.stop()
      console.log(JSON.stringify(reports), `${looks} looks`)
      expect(reports.flatMap(({ errors }) => errors)).toEqual([])
      expect(sights).toEqual([])
      expect(
        Math.min(...reports.flatMap(({ triggers, jobs, conflicts }) => [triggers, jobs + conflicts])),
      ).toBeGreaterThan(3)

      await sql`insert into crash_employees select 'fresh', employee_id from crash_employees where tenant_id = 'raced'`.execute(
        db,
      )
      await sql`insert into crash_bookings select 'fresh', employee_id, work_date, minutes, version from crash_bookings
      where tenant_id = 'raced'`.execute(db)
      await service.triggerRecalcAll({ tenantId: 'fresh', ...all })
      for (const table of ['crash_hours', 'crash_balances'] as const) {
        expect(await rowsOf(db, table, 'raced'), table).toEqual(await rowsOf(db, table, 'fresh'))
      }
      const lock = await db.transaction().execute((tx) => sql`select * from recalc_locks for update nowait`.execute(tx))
      expect(lock.rows.length).toBeGreaterThan(workload.employees)
      await service.stop()
    },
    RACE_MS + 60_000,
  )
})
