import { type Kysely, type Transaction as KyselyTransaction, sql } from 'kysely'
import { sqlBackend } from 'recalc-service/sql'
import { describe, expect, test } from 'vitest'
import { datesBetween, dayKey, dayStage, parseIsoDate, RecalcService, tenantStage } from '../../src/index.ts'
import { engines } from './support/engines.ts'
import { FROM, fillFirstRelease, type OldJob, TO } from './support/first-release.ts'

interface Tables {
  values_of_days: { tenant_id: string; employee_id: string; day: string; kind: string; value: number }
  totals: { tenant_id: string; value: number }
}
type Tx = KyselyTransaction<Tables>

const EMPLOYEES = ['1', '2', '3', '4', '5', 'ü']
const DATES = datesBetween(parseIsoDate(FROM, 'from'), parseIsoDate(TO, 'to'))
const ALL_DAYS = EMPLOYEES.length * DATES.length

/** What a job of the first release had come to, and what becomes of it. */
interface Case extends Omit<OldJob, 'id' | 'totalDays'> {
  readonly does: string
  /** Nobody takes it up by himself: it ended, and is resumed by hand. */
  readonly ended?: true
  readonly becomes?: 'cancelled'
}

const at = (employeeId: string, date: string, stage: string) => ({ employeeId, date: `2025-01-${date}`, stage })

const cases: readonly Case[] = [
  {
    does: 'a job whose worker died with the release',
    status: 'running',
    after: '4',
    lanes: [
      { id: 1, employeeIds: ['1', '2'], datesDone: 31, finished: true, processedDays: 62 },
      { id: 2, employeeIds: ['3', '4'], datesDone: 5, processedDays: 10 },
    ],
  },
  {
    does: 'an interrupted job in which somebody had failed and stood still',
    status: 'interrupted',
    stages: ['balances', 'totals'],
    after: '4',
    lanes: [
      { id: 1, employeeIds: ['1', '2', '3'], datesDone: 4, processedDays: 10, failedDays: 2, errorCount: 1 },
      { id: 2, employeeIds: ['4'], datesDone: 1, failedDays: 1, errorCount: 1 },
    ],
    failures: [at('2', '03', 'balances'), at('4', '01', 'balances')],
  },
  {
    does: 'an interrupted job that somebody had asked to cancel',
    status: 'interrupted',
    cancel: '"not wanted"',
    after: '2',
    lanes: [{ id: 1, employeeIds: ['1', '2'], datesDone: 4, processedDays: 8 }],
    becomes: 'cancelled',
  },
  {
    does: 'a job whose worker died before it could cancel it',
    status: 'running',
    cancel: 'null',
    after: '1',
    lanes: [{ id: 1, employeeIds: ['1'], datesDone: 30, processedDays: 30 }],
    becomes: 'cancelled',
  },
  {
    does: 'a job that ended with errors of days on their own and of a tenant stage',
    ended: true,
    status: 'completed_with_errors',
    processedDays: ALL_DAYS - 2,
    failedDays: 2,
    errorCount: 3,
    after: 'ü',
    allHandedOut: true,
    failures: [at('1', '03', 'scores'), at('1', '09', 'scores'), { employeeId: null, date: null, stage: 'totals' }],
  },
  {
    does: 'a job that ended with people who stood still behind their failures',
    ended: true,
    status: 'completed_with_errors',
    stages: ['balances', 'totals'],
    processedDays: ALL_DAYS - 29 - 1,
    failedDays: 30,
    errorCount: 2,
    after: 'ü',
    allHandedOut: true,
    tenantStagesDone: 1,
    failures: [at('ü', '03', 'balances'), at('2', '31', 'balances')],
  },
  {
    does: 'a job that failed with failures of stages',
    ended: true,
    status: 'failed',
    stages: ['balances', 'totals'],
    after: '3',
    lanes: [
      { id: 1, employeeIds: ['1', '2'], datesDone: 9, processedDays: 13, failedDays: 5, errorCount: 1 },
      { id: 2, employeeIds: ['3'], datesDone: 0 },
    ],
    failures: [at('2', '05', 'balances')],
  },
  {
    does: 'an interrupted job whose last day failed, where days turn out to be on their own',
    status: 'interrupted',
    after: '2',
    lanes: [{ id: 1, employeeIds: ['1', '2'], datesDone: 9, processedDays: 17, failedDays: 1, errorCount: 1 }],
    failures: [at('2', '09', 'scores')],
  },
  {
    does: 'a job that failed with failures of a dailyCalc',
    ended: true,
    status: 'failed',
    stages: [],
    phases: ['dailyCalc'],
    after: '4',
    lanes: [
      { id: 1, employeeIds: ['3'], datesDone: 9, processedDays: 8, failedDays: 1, errorCount: 1 },
      { id: 2, employeeIds: ['4'], datesDone: 2, processedDays: 1, failedDays: 1, errorCount: 1 },
    ],
    processedDays: 62,
    failures: [at('3', '04', 'dailyCalc'), at('4', '02', 'dailyCalc')],
  },
  {
    does: 'an interrupted job of a dailyCalc',
    status: 'interrupted',
    stages: [],
    phases: ['dailyCalc'],
    after: '4',
    lanes: [{ id: 3, employeeIds: ['4'], datesDone: 7, processedDays: 6, failedDays: 1, errorCount: 1 }],
    processedDays: 93,
    failures: [at('4', '07', 'dailyCalc')],
  },
]

const jobs = cases.map((one, i) => {
  const id = `job ${i}`
  const phases = one.phases ?? ['days', 'totals']
  return { stages: ['scores', 'totals'], ...one, phases, id, tenantId: `tenant ${i}`, totalDays: ALL_DAYS }
})
type Job = (typeof jobs)[number]

/** What the calculators have to work with. */
function minutes(employeeId: string, date: string): number {
  return EMPLOYEES.indexOf(employeeId) * 100 + Number(date.slice(-2))
}

/** A plain loop over all days of a job. */
function plainRows({ stages }: Pick<Job, 'stages'>): ReadonlyMap<string, number> {
  const rows = new Map<string, number>()
  for (const employeeId of EMPLOYEES) {
    let balance = 0
    for (const date of DATES) {
      balance += minutes(employeeId, date)
      const value = stages.includes('balances') ? balance : minutes(employeeId, date) * 2
      rows.set(dayKey({ employeeId, date }), value)
    }
  }
  return rows
}

/** Days that the first release had calculated. */
function daysDone({ lanes = [], failures = [], stages, after }: Job): ReadonlySet<string> {
  const done = new Set<string>()
  for (const employeeId of EMPLOYEES) {
    const lane = lanes.find(({ employeeIds }) => employeeIds.includes(employeeId))
    const wasDispatched = typeof after === 'string' && Buffer.compare(Buffer.from(employeeId), Buffer.from(after)) <= 0
    const reached = lane ? lane.datesDone : wasDispatched ? DATES.length : 0
    const failed = failures.filter((failure) => failure.employeeId === employeeId).map(({ date }) => date as string)
    for (const date of DATES.slice(0, reached)) {
      const isMissing = stages.includes('balances') ? failed.some((one) => one <= date) : failed.includes(date)
      if (!isMissing) done.add(dayKey({ employeeId, date }))
    }
  }
  return done
}

const kindOf = ({ stages }: Pick<Job, 'stages'>) => stages[0] ?? 'dailyCalc'

async function storedRows(db: Kysely<Tables>, tenantId: string): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom('values_of_days').selectAll().where('tenant_id', '=', tenantId).execute()
  return new Map(
    rows.map(({ employee_id, day, value }) => [dayKey({ employeeId: employee_id, date: day as never }), value]),
  )
}

async function createTables(db: Kysely<Tables>): Promise<void> {
  await sql`create table values_of_days (tenant_id varchar(20) not null, employee_id varchar(20) not null, day varchar(10) not null,
    kind varchar(20) not null, value integer not null, primary key (tenant_id, employee_id, day))`.execute(db)
  await sql`create table totals (tenant_id varchar(20) not null primary key, value integer not null)`.execute(db)
  for (const job of jobs) {
    const rows = plainRows(job)
    const days = [...daysDone(job)].map((key) => {
      const [employee_id, day] = EMPLOYEES.flatMap((employeeId) =>
        DATES.filter((date) => dayKey({ employeeId, date }) === key).map(
          (date) => [employeeId, date as string] as const,
        ),
      )[0]!
      return { tenant_id: job.tenantId, employee_id, day, kind: kindOf(job), value: rows.get(key)! }
    })
    if (days.length > 0) await db.insertInto('values_of_days').values(days).execute()
  }
}

/** The host's two services, in the release that comes after the first, and every day that they calculate. */
function servicesOn(kysely: Kysely<Tables>) {
  const calculated = new Map<string, Set<string>>(jobs.map(({ tenantId }) => [tenantId, new Set()]))
  const backend = sqlBackend(kysely)
  const employees = {
    listEmployees: async ({ after, limit }: { readonly after?: string; readonly limit: number }) =>
      EMPLOYEES.slice(after === undefined ? 0 : EMPLOYEES.indexOf(after) + 1)
        .slice(0, limit)
        .map((id) => ({ id })),
  }
  const write = async (tx: Tx, row: Tables['values_of_days']) => {
    const { tenant_id, employee_id, day } = row
    await tx
      .deleteFrom('values_of_days')
      .where('tenant_id', '=', tenant_id)
      .where('employee_id', '=', employee_id)
      .where('day', '=', day)
      .execute()
    await tx.insertInto('values_of_days').values(row).execute()
  }
  const stage = (name: 'scores' | 'balances') =>
    dayStage<number, null, Tx>({
      name,
      reads: { minutes: [0, 0], ...(name === 'balances' && { balances: [-1, 0] }) },
      writes: [name],
      load: async () => null,
      calculate({ tenantId, employeeId, date }, _, previous) {
        calculated.get(tenantId)?.add(dayKey({ employeeId, date }))
        const own = minutes(employeeId, date)
        return name === 'balances' ? (previous ?? 0) + own : own * 2
      },
      stored: async ({ tenantId, employeeIds, from, to }, { tx }) => {
        const rows = await tx
          .selectFrom('values_of_days')
          .selectAll()
          .where('tenant_id', '=', tenantId)
          .where('kind', '=', name)
          .where('employee_id', 'in', employeeIds)
          .where('day', '>=', from)
          .where('day', '<=', to)
          .execute()
        return new Map(
          rows.map(({ employee_id, day, value }) => [dayKey({ employeeId: employee_id, date: day as never }), value]),
        )
      },
      async save({ upserts }, { tx }) {
        for (const { day, value } of upserts) {
          await write(tx, { tenant_id: day.tenantId, employee_id: day.employeeId, day: day.date, kind: name, value })
        }
      },
    })
  const totals = tenantStage<Tx>({
    name: 'totals',
    reads: ['scores', 'balances'],
    writes: ['totals'],
    async run({ tx, tenantId }) {
      const rows = await tx.selectFrom('values_of_days').select('value').where('tenant_id', '=', tenantId).execute()
      const value = rows.reduce((sum, row) => sum + row.value, 0)
      await tx.deleteFrom('totals').where('tenant_id', '=', tenantId).execute()
      await tx.insertInto('totals').values({ tenant_id: tenantId, value }).execute()
    },
  })
  return {
    calculated,
    withStages: new RecalcService<Tx>({ backend, employees, stages: [stage('scores'), stage('balances'), totals] }),
    withDailyCalc: new RecalcService<Tx>({
      backend,
      employees,
      dailyCalc: {
        async calculateDay({ tenantId, employeeId, date }, { tx }) {
          calculated.get(tenantId)?.add(dayKey({ employeeId, date }))
          const value = minutes(employeeId, date) * 2
          await write(tx, { tenant_id: tenantId, employee_id: employeeId, day: date, kind: 'dailyCalc', value })
        },
      },
    }),
    backend,
  }
}

describe.each(engines)('services on a database of the first release on $name', async ({ open }) => {
  const database = await open()
  const kysely = database.connect<Tables>()
  await fillFirstRelease(kysely as never, jobs)
  await createTables(kysely)
  const { backend, calculated, withStages, withDailyCalc } = servicesOn(kysely)
  await backend.migrate()
  await Promise.all([withStages.start(), withDailyCalc.start()])

  test.each(jobs)('finish $does', async (job) => {
    const service = job.stages.length > 0 ? withStages : withDailyCalc
    const handle = job.ended ? await service.resumeJob(job.id) : await service.openJob(job.id)
    const { status, error } = await handle.result
    const before = daysDone(job)
    const again = [...(calculated.get(job.tenantId) ?? [])].filter((key) => before.has(key))
    const stored = await storedRows(kysely, job.tenantId)
    if (job.becomes === 'cancelled') {
      expect(status).toBe('cancelled')
      expect(stored.size).toBe(before.size)
      expect(calculated.get(job.tenantId)?.size).toBe(0)
      return
    }
    expect({ status, error }).toEqual({ status: 'completed', error: undefined })
    expect(stored).toEqual(plainRows(job))
    expect(await service.getJob(job.id)).toMatchObject({
      totalDays: ALL_DAYS,
      processedDays: ALL_DAYS,
      skippedDays: 0,
      failedDays: 0,
      errorCount: 0,
    })
    expect(await service.listJobFailures(job.id)).toEqual([])
    if (job.stages.includes('totals')) {
      const total = [...plainRows(job).values()].reduce((sum, value) => sum + value, 0)
      expect(
        await kysely.selectFrom('totals').select('value').where('tenant_id', '=', job.tenantId).executeTakeFirst(),
      ).toEqual({ value: total })
    }
    // Nobody who had not failed is calculated a second time.
    const failed = new Set((job.failures ?? []).map(({ employeeId }) => employeeId))
    const calm = EMPLOYEES.filter((id) => !failed.has(id)).flatMap((employeeId) =>
      DATES.map((date) => dayKey({ employeeId, date })),
    )
    expect(again.filter((key) => calm.includes(key as never))).toEqual([])
  })

  test('leave nothing behind', async () => {
    await Promise.all([withStages.stop(), withDailyCalc.stop()])
    expect(await backend.jobs.listAbandoned({ now: Number.MAX_SAFE_INTEGER, limit: 10, after: null })).toEqual([])
  })
})
