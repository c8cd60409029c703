import { type Kysely, sql } from 'kysely'
import { expect } from 'vitest'
import type { JobEvent, RecordedFailure } from '../../src/index.ts'
import type { Host, HostDb } from './crash-host.ts'

const TERMINAL = ['completed', 'failed', 'cancelled', 'paused', 'interrupted']

/** Everything that an undisturbed and a disturbed tenant must have in common once their jobs are done. */
export interface Outcome {
  readonly status: string
  readonly counters: Record<string, number>
  readonly hours: readonly unknown[]
  readonly balances: readonly unknown[]
  /** Who failed when, where and why; in no order. */
  readonly failures: readonly string[]
  /** Committed writes of derived rows, each with how often; in no order. */
  readonly saves: readonly string[]
}

/** What became of a tenant with one job. */
export async function outcomeOf({ db, service, backend }: Host, tenantId: string): Promise<Outcome> {
  const [job, ...others] = await service.listJobs({ tenantId })
  expect(others).toEqual([])
  const { processedDays, skippedDays, failedDays, totalDays, errorCount, unchangedDays } = job!
  const failures = await allFailures(backend, job!.id)
  return {
    status: job!.status,
    counters: { totalDays, processedDays, unchangedDays, skippedDays, failedDays, errorCount },
    hours: await rowsOf(db, 'crash_hours', tenantId),
    balances: await rowsOf(db, 'crash_balances', tenantId),
    failures: failures
      .map(({ employeeId, date, stage, code, message }) => `${employeeId} ${date} ${stage} ${code} ${message}`)
      .map((text) => text.replaceAll(tenantId, 'TENANT'))
      .sort(),
    saves: await savesOf(db, tenantId),
  }
}

/** Checks what must hold of every job that has ended, whatever happened to it. */
export async function checkEndedJob({ service, backend, db }: Host, tenantId: string): Promise<void> {
  const [job] = await service.listJobs({ tenantId })
  const { id, processedDays, skippedDays, failedDays, totalDays, errorCount, lastSeq } = job!
  expect(processedDays + skippedDays + failedDays, 'counters add up').toBe(totalDays)
  const { status: _, errors: __, startedAt: ___, finishedAt: ____, ...counted } = job!.result!
  expect(job, 'the result says what the job says').toMatchObject(counted)
  const failures = await allFailures(backend, id)
  const keys = failures.map(({ employeeId, date }) => `${employeeId} ${date}`)
  expect(new Set(keys).size, 'no failure is listed twice').toBe(keys.length)
  expect(errorCount, 'every failure is counted').toBe(keys.length)
  const events: JobEvent[] = []
  for (let page = await backend.jobs.events(id, { after: 0, limit: 500 }); page.length > 0; ) {
    events.push(...page)
    page = await backend.jobs.events(id, { after: events.length, limit: 500 })
  }
  expect(
    events.map(({ seq }) => seq),
    'events are numbered without a gap',
  ).toEqual(events.map((_, i) => i + 1))
  expect(events.length).toBe(lastSeq)
  expect(TERMINAL, 'the last event is terminal').toContain(events.at(-1)?.type)
  checkRuns(events)
  checkProgress(events)
  expect(await lanesLeft(db, id), 'few checkpoint rows are left').toBeLessThan(200)
}

/** Between two terminal events a run begins; a run that was killed has none. */
function checkRuns(events: readonly JobEvent[]): void {
  let running = false
  for (const { type } of events) {
    if (type === 'started' || type === 'resumed') running = true
    if (!TERMINAL.includes(type)) continue
    expect(running, `one terminal event per run: ${events.map((e) => e.type).join(' ')}`).toBe(true)
    running = false
  }
}

function checkProgress(events: readonly JobEvent[]): void {
  let progress = 0
  let processed = 0
  for (const event of events) {
    if (event.type !== 'progress') continue
    expect(event.progress, 'progress never runs backwards').toBeGreaterThanOrEqual(progress)
    expect(event.processedDays, 'no counter decreases').toBeGreaterThanOrEqual(processed)
    expect(event.current, 'no more is done than there is').toBeLessThanOrEqual(event.total)
    progress = event.progress
    processed = event.processedDays
  }
}

/** Every failure of a job, page by page. */
async function allFailures(backend: Host['backend'], jobId: string): Promise<readonly RecordedFailure[]> {
  const failures: RecordedFailure[] = []
  for (;;) {
    const page = await backend.jobs.failures(jobId, { after: failures.at(-1)?.number ?? 0, limit: 100 })
    if (page.length === 0) return failures
    failures.push(...page)
  }
}

/** A table's rows of a tenant, in order. */
export async function rowsOf(
  db: HostDb,
  table: 'crash_bookings' | 'crash_hours' | 'crash_balances',
  tenantId: string,
): Promise<readonly unknown[]> {
  const rows = await (db as unknown as Kysely<Record<string, Record<string, string>>>)
    .selectFrom(table)
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('employee_id')
    .orderBy('work_date')
    .execute()
  return rows.map(({ tenant_id: _, ...row }) => ({ ...row }))
}

async function savesOf(db: HostDb, tenantId: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('crash_saves')
    .select(['employee_id', 'work_date', 'stage', 'version'])
    .select(({ fn }) => fn.countAll<number>().as('times'))
    .where('tenant_id', '=', tenantId)
    .groupBy(['employee_id', 'work_date', 'stage', 'version'])
    .execute()
  return rows
    .map((row) => `${row.employee_id} ${row.work_date} ${row.stage} v${row.version} ×${Number(row.times)}`)
    .sort()
}

async function lanesLeft(db: HostDb, jobId: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from recalc_lanes where job_id = ${jobId}`.execute(db)
  return Number(rows[0]?.n)
}

/** What a reader must never see of a tenant. */
export interface Sight {
  /** Employee-days of which one derived row is there and the other is not, or comes from another version. */
  readonly torn: number
  /** Employee-days without a row that have one before and after. */
  readonly missing: number
}

/** Looks at a tenant's derived rows, in one statement and so at one moment. */
export async function look(db: HostDb, tenantId: string): Promise<Sight> {
  const { rows } = await sql<{ torn: number | string | null; missing: number | string | null }>`
    select
      (select count(*) from crash_hours h left join crash_balances b
        on b.tenant_id = h.tenant_id and b.employee_id = h.employee_id and b.work_date = h.work_date
        where h.tenant_id = ${tenantId} and (b.version is null or b.version <> h.version))
      + (select count(*) from crash_balances b left join crash_hours h
        on b.tenant_id = h.tenant_id and b.employee_id = h.employee_id and b.work_date = h.work_date
        where b.tenant_id = ${tenantId} and h.version is null) as torn,
      (select count(*) from crash_steady s left join crash_hours h
        on s.tenant_id = h.tenant_id and s.employee_id = h.employee_id and s.work_date = h.work_date
        where s.tenant_id = ${tenantId} and h.version is null) as missing`.execute(db)
  return { torn: Number(rows[0]?.torn), missing: Number(rows[0]?.missing) }
}

/** A reader who looks again and again, until told to stop. */
export interface Reader {
  /** Ends the reading; how often it looked, and everything that it should not have seen. */
  stop(): Promise<{ readonly looks: number; readonly sights: readonly Sight[] }>
}

/** Starts a {@link Reader}. While the database cannot be reached it tries again. */
export function startReader(db: HostDb, tenantIds: () => readonly string[]): Reader {
  let stopped = false
  let looks = 0
  const sights: Sight[] = []
  const reading = (async () => {
    while (!stopped) {
      for (const tenantId of tenantIds()) {
        const sight = await look(db, tenantId).catch(() => undefined)
        if (!sight) continue
        looks += 1
        if (sight.torn + sight.missing > 0) sights.push(sight)
      }
      // Leaves the processor to those who are looked at.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  return {
    async stop() {
      stopped = true
      await reading
      return { looks, sights }
    },
  }
}
