import { sql } from 'kysely'
import { addDays, datesBetween, parseIsoDate } from 'recalc-service'
import type { MariadbServer } from '../../test/support/mariadb-server.ts'
import { type BalanceHost, balanceHost, edit, TENANT, TODAY, tell, timeOf } from './host.ts'

const TEN_YEARS = datesBetween(addDays(TODAY, -3_649), TODAY)

/** How often each of these days is noted, and how many employees have such days. */
const CHANGES = Number(process.env.BENCH_CHANGES ?? 1_000_000)
const EMPLOYEES = 50
const DAYS = 1_000

/** What settling costs where much has changed, against calculating it. */
export async function benchSettling(server: MariadbServer): Promise<void> {
  console.log('\n(g) the change ledger on MariaDB: settling')
  await cutOff(server)
  await chain(server)
  await coalescing(server)
}

async function cutOff(server: MariadbServer): Promise<void> {
  const host = await balanceHost(server, 'cut_off')
  const [first, ...rest] = TEN_YEARS
  if (first) await edit(host, 'e1', [{ day: first, minutes: 10 }])
  await host.recalc.settle({ tenantId: TENANT })
  const [day, third] = [rest[30], rest[32]]
  host.count.calculated = 0
  if (day && third) {
    await edit(host, 'e1', [
      { day, minutes: 60 },
      { day: third, minutes: -60 },
    ])
  }
  const ms = await timeOf(() => host.recalc.settle({ tenantId: TENANT, employeeId: 'e1' }))
  tell('days calculated of a ten-year balance, undone at the third day', `${host.count.calculated}`, '3')
  tell('that took', `${ms.toFixed(1)} ms`, '')
  await host.close()
}

/** Every day of ten years follows from the first one. */
async function chain(server: MariadbServer): Promise<void> {
  const host = await balanceHost(server, 'chain')
  const days = TEN_YEARS
  const firstDay = parseIsoDate(days[0], 'first')
  const settled: number[] = []
  const triggered: number[] = []
  for (let round = 1; round <= 3; round++) {
    await edit(host, 'e1', [{ day: firstDay, minutes: round }])
    host.count.statements = 0
    settled.push(await timeOf(() => host.recalc.settle({ tenantId: TENANT, employeeId: 'e1' })))
    tell(`statements of a chain of ${days.length} days`, `${host.count.statements}`, '')
    await host.db
      .updateTable('hours')
      .set({ minutes: 100 + round })
      .execute()
    triggered.push(
      await timeOf(async () => {
        for (const date of days) await host.recalc.triggerRecalc({ tenantId: TENANT, employeeId: 'e1', date })
      }),
    )
  }
  const [settling, triggers] = [Math.min(...settled), Math.min(...triggered)]
  tell(`a chain of ${days.length} days by triggers / settled`, `${(triggers / settling).toFixed(1)} x`, 'at least 20')
  tell('settled in', `${settling.toFixed(0)} ms`, '')
  await host.close()
}

/** The same days noted again and again. */
async function coalescing(server: MariadbServer): Promise<void> {
  const host = await balanceHost(server, 'coalescing')
  const { recalc } = host
  const from = addDays(TODAY, 1 - DAYS)
  const employeeIds = Array.from({ length: EMPLOYEES }, (_, i) => `e${i}`)
  const setTo = async (minutes: number) => await setHours(host, employeeIds, from, minutes)
  const calculate = () => recalc.triggerRecalcBatch({ tenantId: TENANT, employeeIds, from, to: TODAY })
  await setTo(1)
  await calculate()
  await setTo(2)
  const calculating = await timeOf(calculate)
  await noteAll(host, employeeIds, from)
  await setTo(3)
  const settling = await timeOf(() => recalc.settle({ tenantId: TENANT }))
  const { unchangedDays, processedDays } = await calculate()
  if (unchangedDays < processedDays) throw new Error('Expected settling to leave nothing to calculate')
  const what = `${CHANGES.toLocaleString('en')} changes of ${(EMPLOYEES * DAYS).toLocaleString('en')} days, settled / calculated`
  tell(what, `${(settling / calculating).toFixed(2)} x`, 'at most 3')
  tell('settled, calculated in', `${(settling / 1_000).toFixed(1)}, ${(calculating / 1_000).toFixed(1)} s`, '')
  await host.close()
}

async function setHours({ db }: BalanceHost, employeeIds: readonly string[], from: string, minutes: number) {
  for (const employee of employeeIds) {
    await sql`replace into hours
      select ${TENANT}, ${employee}, date_add(${from}, interval seq day), ${minutes} from seq_0_to_${sql.raw(String(DAYS - 1))}`.execute(
      db,
    )
  }
}

/** As `noteChange` does, by one statement of the server's own for each day. */
async function noteAll({ db, recalc }: BalanceHost, employeeIds: readonly string[], from: string) {
  const times = Math.ceil(CHANGES / (EMPLOYEES * DAYS))
  for (const employeeId of employeeIds) {
    const dates = datesBetween(parseIsoDate(from, 'from'), TODAY)
    const rows = dates.map((date) =>
      recalc.changeStatement({ tenantId: TENANT, employeeId, table: 'hours', at: [new Date(`${date}T09:00:00Z`)] }),
    )
    const [first] = rows
    if (!first) return
    const columns = first.sql.slice(first.sql.indexOf('('), first.sql.indexOf(' values'))
    for (let time = 0; time < times; time++) {
      const values = rows.map(({ parameters }) => sql`(${sql.join(parameters.map((one) => sql.lit(one)))})`)
      await sql`insert into recalc_changes ${sql.raw(columns)} values ${sql.join(values)}`.execute(db)
    }
  }
}
