import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { addDays, dayBounds, type IsoDate, parseIsoDate } from 'recalc-service'
import { createProductivity } from '../../examples/productivity/productivity.ts'
import { createTables } from '../../examples/productivity/schema/migrations.ts'
import type { Database } from '../../examples/productivity/schema/tables.ts'
import { importFiles } from '../../examples/productivity/sources/import-files.ts'
import { insertSources } from '../../examples/productivity/sources/insert-sources.ts'
import { chunked, dayByDay, eightAtATime } from './loops.ts'
import { raceOnServer, type Way } from './race-on-server.ts'
import { benchSources } from './sources.ts'
import { type DerivedTable, daysOf, SCORES, TENANT, type Workload } from './workload.ts'

const REAL_INPUT = fileURLToPath(new URL('../../../shared/data', import.meta.url))

/** A database server, and what only those who know it well write for it. */
export interface BenchedServer {
  readonly name: string
  /** Without a database. */
  readonly url: string
  readonly pid: number
  open(url: string): Promise<Database>
  /** Tells the optimizer what lies in the tables, where it does not find out by itself in time. */
  analyze(db: Database): Promise<void>
  /** Scores and idle periods in SQL. */
  setBased(workload: Workload, connections: number): Promise<void>
}

export async function benchGenerated(server: BenchedServer, employees = 500): Promise<void> {
  const size = { zone: 'Europe/Berlin', from: parseIsoDate('2025-03-03', 'from'), days: 30, employees }
  await bench(`reference back end on ${server.name}, generated`, server, {
    database: 'generated',
    ...size,
    to: addDays(size.from, size.days - 1),
    fill: (db) => insertSources(db, benchSources({ ...size, activitiesPerDay: 40 })),
    oneOf: { dayByDay: 20, eightAtATime: 5 },
  })
}

export async function benchReal(server: BenchedServer): Promise<void> {
  if (!existsSync(REAL_INPUT)) {
    console.log(`\n    The real input is not there: expected it in ${REAL_INPUT}`)
    return
  }
  await bench(`reference back end on ${server.name}, a real event log`, server, {
    database: 'real',
    zone: 'Europe/Amsterdam',
    from: parseIsoDate('2011-10-01', 'from'),
    to: parseIsoDate('2012-03-14', 'to'),
    fill: async (db) => ({ activity_logs: (await importFiles(db, REAL_INPUT)).get('activity_logs')?.added ?? 0 }),
    oneOf: { dayByDay: 4, eightAtATime: 2 },
  })
}

interface Input {
  readonly database: string
  readonly zone: string
  readonly from: IsoDate
  readonly to: IsoDate
  fill(db: Database): Promise<{ readonly activity_logs: number }>
  /** The slow ones do every so manyth employee. */
  readonly oneOf: { readonly dayByDay: number; readonly eightAtATime: number }
}

async function bench(title: string, server: BenchedServer, input: Input): Promise<void> {
  const { zone, from, to, database } = input
  const url = `${server.url}/${database}`
  const db = await server.open(url)
  await createTables(db)
  const { activity_logs: logs } = await input.fill(db)
  await server.analyze(db)
  const employees = await db.selectFrom('employees').select('id').orderBy('id').execute()
  const employeeIds = employees.map(({ id }) => id)
  // In the afternoon of the last day, so that people are at work.
  const asOf = new Date(dayBounds(to, zone).start.getTime() + 15 * 60 * 60_000)
  const workload = { db, url, zone, from, to, asOf, employeeIds }
  const recalc = createProductivity(db, { zone, asOf })
  const job = async (tables?: readonly DerivedTable[]) => {
    const handle = await recalc.triggerRecalcAllAsync({ tenantId: TENANT, from, to }, tables ? { tables } : {})
    const { status } = await handle.result
    if (status !== 'completed') throw new Error(`Expected the job to be completed, it is ${status}`)
  }
  const days = daysOf(workload, employeeIds).toLocaleString('en')
  console.log(`\n${title}: ${days} employee-days, ${logs.toLocaleString('en')} activity logs`)
  for (const { ways, rounds } of racesOf(workload, { job, server, input })) {
    await raceOnServer(workload, { ways, rounds, serverPid: server.pid })
  }
  await recalc.stop()
  await db.destroy()
}

interface Race {
  readonly ways: readonly Way[]
  readonly rounds: number
}

/** What is about as fast as the job takes more turns with it: there, little makes a difference. */
function racesOf(
  workload: Workload,
  {
    job,
    server,
    input: { oneOf },
  }: {
    readonly job: (tables?: readonly DerivedTable[]) => Promise<void>
    readonly server: BenchedServer
    readonly input: Input
  },
): readonly Race[] {
  const { employeeIds } = workload
  const few = employeeIds.filter((_, index) => index % oneOf.dayByDay === 0)
  const more = employeeIds.filter((_, index) => index % oneOf.eightAtATime === 0)
  return [
    {
      rounds: 7,
      ways: [
        { name: 'recalc-service, a job', run: () => job() },
        { name: 'the same again, nothing changed', target: 'at most 0.6', again: true, run: () => job() },
        { name: 'the same SQL in a hand-written loop of blocks', target: 'at least 0.9', run: () => chunked(workload) },
      ],
    },
    {
      rounds: 3,
      ways: [
        { name: 'recalc-service, a job', run: () => job() },
        {
          name: 'a transaction per employee-day',
          target: 'at least 5',
          employeeIds: few,
          run: () => dayByDay(workload, few),
        },
        {
          name: 'the same, eight at a time',
          target: 'at least 2',
          employeeIds: more,
          run: () => eightAtATime(workload, more),
        },
      ],
    },
    {
      rounds: 3,
      ways: [
        { name: 'recalc-service, a job for two tables', tables: SCORES, run: () => job(SCORES) },
        ...[1, 2].map((connections) => ({
          name: `set-based SQL for the two, ${connections === 1 ? 'one connection' : 'two connections'}`,
          target: 'at least 0.5',
          tables: SCORES,
          run: () => server.setBased(workload, connections),
        })),
      ],
    },
  ]
}
