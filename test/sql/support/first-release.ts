import type { Kysely } from 'kysely'
import { recalcMigrations } from 'recalc-service/sql'
import { employeeHash, hash } from '../../../src/sql/hash.ts'
import { START } from '../../../src/testing/conformance/job-bench.ts'

/** A job as the first release left it. */
export interface OldJob {
  readonly id: string
  /** Default `acmé`. */
  readonly tenantId?: string
  readonly status: string
  readonly stages?: readonly string[]
  readonly phases?: readonly string[]
  readonly totalDays?: number
  readonly processedDays?: number
  readonly skippedDays?: number
  readonly failedDays?: number
  readonly errorCount?: number
  readonly after?: string | null
  readonly allHandedOut?: boolean
  readonly tenantStagesDone?: number
  readonly cancel?: string
  readonly lanes?: readonly OldLane[]
  readonly failures?: readonly OldFailure[]
}

interface OldLane {
  readonly id: number
  readonly employeeIds: readonly string[]
  readonly datesDone: number
  readonly finished?: boolean
  readonly processedDays?: number
  readonly failedDays?: number
  readonly errorCount?: number
}

interface OldFailure {
  readonly employeeId: string | null
  readonly date: string | null
  readonly stage: string
}

/** The dates of every job. */
export const FROM = '2025-01-01'
export const TO = '2025-01-31'

const TENANT = 'acmé'

/** As the first release wrote it. */
function bodyOf(job: OldJob) {
  const { status, tenantId = TENANT, stages = ['scores', 'totals'], phases = ['scores', 'totals'], failures = [] } = job
  const ended = status !== 'running'
  const instant = new Date(START + 1).toISOString()
  const counters = { totalDays: 1, processedDays: 0, unchangedDays: 0, skippedDays: 0, failedDays: 0, errorCount: 0 }
  const errors = failures.slice(0, 2).map(failureBody)
  return JSON.stringify({
    plan: {
      kind: 'all',
      tenantId,
      from: FROM,
      to: TO,
      zone: 'Europe/Berlin',
      stages,
      clearExisting: true,
      onError: 'continue',
    },
    reason: 'new rülés',
    scope: null,
    fingerprint: null,
    phases: phases.map((name, i) => ({ number: i + 1, name, title: name })),
    phase: 1,
    progress: 0.5,
    remainingMs: null,
    createdAt: new Date(START).toISOString(),
    startedAt: instant,
    resumedAt: instant,
    finishedAt: ended ? instant : null,
    runs: 1,
    fault: null,
    result: ended ? { status, ...counters, errors, startedAt: instant, finishedAt: instant } : null,
  })
}

function failureBody(failure: OldFailure) {
  return { ...failure, code: 'TypeError', message: 'no clock times für heute', attempts: 1 }
}

const nothing = { processed_days: 0, unchanged_days: 0, skipped_days: 0, failed_days: 0, error_count: 0 }

/** Makes the tables of the first release, and puts jobs into them. */
export async function fillFirstRelease(
  kysely: Kysely<never>,
  jobs: readonly OldJob[],
  prefix = 'recalc_',
): Promise<void> {
  await recalcMigrations(prefix)[`${prefix}0001_jobs`]!.up(kysely)
  const db = kysely as unknown as Kysely<Record<string, Record<string, unknown>>>
  const insert = async (table: string, rows: readonly Record<string, unknown>[]) => {
    for (let i = 0; i < rows.length; i += 100) {
      await db
        .insertInto(`${prefix}${table}`)
        .values(rows.slice(i, i + 100))
        .execute()
    }
  }
  for (const [i, job] of jobs.entries()) {
    const { id, status, tenantId = TENANT, lanes = [], failures = [] } = job
    await insert('jobs', [
      {
        ...nothing,
        id,
        admission_id: `admission of ${id}`,
        tenant_hash: hash('tenant', tenantId),
        scope_hash: null,
        status,
        created_at: START + i,
        finished_at: status === 'running' ? null : START + 100,
        body: bodyOf(job),
        total_days: job.totalDays ?? 0,
        processed_days: job.processedDays ?? 0,
        failed_days: job.failedDays ?? 0,
        error_count: job.errorCount ?? 0,
        handed_out: JSON.stringify(job.after ?? null),
        all_handed_out: job.allHandedOut ? 1 : 0,
        next_lane_id: 3,
        last_seq: 1,
        lease_owner: 'process 1',
        lease_token: 2,
        lease_expires_at: START,
        cancel: job.cancel ?? null,
      },
    ])
    const lease_token = status === 'running' ? 2 : 0
    const zero = { ...nothing, job_id: id, lane_id: 0, lease_token, steps: 1, employee_ids: '[]', dates_done: 0 }
    await insert('lanes', [
      {
        ...zero,
        finished: 0,
        unchanged_days: 0,
        skipped_days: job.skippedDays ?? 0,
        tenant_stages_done: job.tenantStagesDone ?? 0,
      },
      ...lanes.map((lane) => ({
        ...zero,
        lane_id: lane.id,
        employee_ids: JSON.stringify(lane.employeeIds),
        dates_done: lane.datesDone,
        finished: lane.finished ? 1 : 0,
        processed_days: lane.processedDays ?? 0,
        failed_days: lane.failedDays ?? 0,
        error_count: lane.errorCount ?? 0,
        tenant_stages_done: 0,
      })),
    ])
    await insert(
      'failures',
      failures.map((failure) => ({
        job_id: id,
        failure_hash: hash(
          failure.employeeId === null ? `stage ${failure.stage}` : `day ${failure.date}/${failure.employeeId}`,
        ),
        employee_hash: employeeHash(failure.employeeId),
        body: JSON.stringify(failureBody(failure)),
      })),
    )
    const queued = { type: 'queued', seq: 1, jobId: id, at: new Date(START).toISOString(), tenantId }
    await insert('events', [{ job_id: id, seq: 1, body: JSON.stringify(queued) }])
  }
}
