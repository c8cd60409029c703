import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { parseIsoDate } from '../../calendar/iso-date.ts'
import type { JobEvent, JobEventDraft } from '../../jobs/job-events.ts'
import type { JobIdentity } from '../../jobs/job-identity.ts'
import { JOB_STATUSES, type JobRecord, type JobStatus } from '../../jobs/job-record.ts'
import type { Admission, Claim, JobStore, Lease, RecalcBackend, WhenBusy } from '../../jobs/job-store.ts'
import { newJob, queuedEvent } from '../../jobs/new-job.ts'
import type { StageShape } from '../../pipeline/stage-shape.ts'
import {
  type Checkpoint,
  emptyStep,
  type LaneCheckpoint,
  type RecordedFailure,
  type Step,
} from '../../run/checkpoint.ts'
import type { RecalcFailure } from '../../run/failure.ts'
import type { RunPlan } from '../../run/plan/run-plan.ts'
import type { RecalcResult, RunStatus } from '../../run/result.ts'

/** Where the time of every case begins, in milliseconds since 1970. */
export const START = Date.parse('2025-03-01T08:00:00.123Z')

/** How long leases last in every case. */
export const LEASE_MS = 30_000

/** How a job of a case differs from any other. */
export interface JobOptions {
  readonly tenantId?: string
  readonly employeeIds?: readonly string[] | null
  readonly reason?: string | null
  readonly scope?: string | null
  /** Milliseconds after {@link START}; default 0. */
  readonly at?: number
  readonly cooldownMs?: number
  /** Default `'reject'`. */
  readonly whenBusy?: WhenBusy
  /** Whether whoever asks works on it; default true. */
  readonly worker?: boolean
  /** How many of its days, from the first; default all. */
  readonly days?: 1
  /** The name of a period stage that takes part; default none. */
  readonly periodStage?: string
  /** Default: a random one. */
  readonly claimId?: string
  /** Default: a job that is asked for only once. */
  readonly identity?: JobIdentity
}

/** A job that is stored, in the hands of a case. */
export interface HeldJob {
  readonly lease: Lease
  readonly record: JobRecord
}

/** Makes and works on jobs the way the library does, so that a case says only what it is about. */
export class JobBench<Tx> {
  readonly jobs: JobStore<Tx>
  readonly #backend: RecalcBackend<Tx>

  constructor(backend: RecalcBackend<Tx>) {
    this.#backend = backend
    this.jobs = backend.jobs
  }

  /** Submits a job, which may be refused. */
  async submit(options: JobOptions = {}): Promise<{ readonly record: JobRecord; readonly admission: Admission }> {
    const { at = 0, cooldownMs = 0, claimId = randomUUID(), reason = null, scope = null, identity } = options
    const { whenBusy = 'reject', worker = true } = options
    const now = START + at
    const record = newJob(planOf(options), { reason, scope, phases: PHASES, at: new Date(now), identity })
    const request = { claimId, now, leaseMs: LEASE_MS, cooldownMs, whenBusy, worker }
    const admission = await this.jobs.create(record, queuedEvent(record), request)
    return { record: withoutEmployees({ ...record, lastSeq: 1 }), admission }
  }

  /** A job that is let in. */
  async create(options: JobOptions = {}): Promise<HeldJob> {
    const { record, admission } = await this.submit(options)
    assert.ok('lease' in admission, `a job should have been let in, but: ${JSON.stringify(admission)}`)
    return { lease: admission.lease, record }
  }

  /** A job that waits. */
  async wait(options: JobOptions = {}): Promise<{ readonly record: JobRecord }> {
    const { record, admission } = await this.submit({ whenBusy: 'queue', ...options })
    assert.deepEqual(admission, { waits: true }, 'a job should have had to wait')
    return { record }
  }

  /** The record as the store returns it, which need not be with the employees that it names. */
  async stored(job: { readonly record: Pick<JobRecord, 'id'> }): Promise<JobRecord> {
    const record = await this.jobs.get(job.record.id)
    assert.ok(record, `job ${job.record.id} should be there`)
    return withoutEmployees(record)
  }

  /** Appends events after those that the store has. */
  async append(
    job: HeldJob,
    drafts: readonly JobEventDraft[],
    change: Partial<JobRecord> = {},
  ): Promise<readonly JobEvent[]> {
    const record = await this.stored(job)
    const events = drafts.map((draft, i) => eventOf(job.record.id, record.lastSeq + 1 + i, draft))
    const cancel = await this.jobs.append(job.lease, events, {
      ...record,
      ...change,
      lastSeq: record.lastSeq + events.length,
    })
    assert.equal(cancel, null)
    return events
  }

  /** Puts a job to rest. */
  async end(job: HeldJob, status: RunStatus = 'completed'): Promise<RecalcResult> {
    const result = resultOf(status)
    await this.append(job, [terminalOf(result)], { status, result, finishedAt: result.finishedAt })
    return result
  }

  /** Saves a step in a unit of work of its own. */
  async commit(lease: Lease, step: Partial<Step>): Promise<void> {
    const { unitOfWork } = this.#backend
    const complete = await unitOfWork.run((tx) => this.jobs.saveStep(tx, lease, { ...emptyStep, ...step }))
    complete?.()
  }

  /** Saves a step in a unit of work that is rolled back. */
  async rollBack(lease: Lease, step: Partial<Step>): Promise<void> {
    const refusal = new Error('rolled back')
    const work = this.#backend.unitOfWork.run(async (tx) => {
      await this.jobs.saveStep(tx, lease, { ...emptyStep, ...step })
      throw refusal
    })
    await assert.rejects(work, (error) => error === refusal)
  }

  /** Asks to take a job over, whether that is granted or not. */
  claim(
    { record }: { readonly record: Pick<JobRecord, 'id'> },
    options: {
      readonly from: readonly JobStatus[]
      readonly now?: number
      readonly claimId?: string
      readonly toEnd?: boolean
    },
  ): Promise<Claim> {
    return this.jobs.claim(record.id, { now: START, claimId: randomUUID(), leaseMs: LEASE_MS, ...options })
  }

  /** Takes a job from whoever works on it, after every lease has run out. */
  async takeOver(
    job: { readonly record: Pick<JobRecord, 'id'> },
    at = 10 * LEASE_MS,
    claimId: string = randomUUID(),
  ): Promise<Extract<Claim, { lease: Lease }>> {
    const claim = await this.claim(job, { now: START + at, claimId, from: JOB_STATUSES })
    assert.ok('lease' in claim, `the job should have been claimed, but: ${JSON.stringify(claim)}`)
    return claim
  }

  /** Every event of a job. */
  async events(job: { readonly record: Pick<JobRecord, 'id'> }): Promise<readonly JobEvent[]> {
    return await this.jobs.events(job.record.id, { after: 0, limit: 10_000 })
  }

  /** Every recorded failure of a job. */
  async failures(job: { readonly record: Pick<JobRecord, 'id'> }): Promise<readonly RecordedFailure[]> {
    return await this.jobs.failures(job.record.id, { after: 0, limit: 10_000 })
  }

  /** All that is stored of a job but its lease and its checkpoint. */
  async everything(job: { readonly record: Pick<JobRecord, 'id'> }): Promise<unknown> {
    return { record: await this.stored(job), events: await this.events(job), failures: await this.failures(job) }
  }
}

const PHASES = [
  { number: 1, name: 'scores', title: 'Recalculating scores' },
  { number: 2, name: 'totals', title: 'Adding up' },
]

const rest = { writes: [], blockDays: null }

function monthsOf(name: string): StageShape {
  return { kind: 'period', name, saves: true, carries: true, reads: { scores: 'period' }, ...rest }
}

function planOf({ tenantId = 'tenant', employeeIds = null, days, periodStage }: JobOptions): RunPlan {
  return {
    kind: employeeIds ? 'batch' : 'all',
    tenantId,
    employeeIds,
    from: parseIsoDate('2025-01-01', 'from'),
    to: parseIsoDate(days === 1 ? '2025-01-01' : '2025-01-31', 'to'),
    zone: 'Europe/Berlin',
    stages: [
      { kind: 'day', name: 'scores', saves: true, carries: false, reads: { bookings: '[0, 0]' }, ...rest },
      ...(periodStage === undefined ? [] : [monthsOf(periodStage)]),
      { kind: 'tenant', name: 'totals', saves: true, carries: false, reads: { scores: null }, ...rest },
    ],
    clearExisting: true,
    onError: 'continue',
  }
}

/** A record with only the part of its plan that reads return. */
export function withoutEmployees(record: JobRecord): JobRecord {
  const { employeeIds: _, ...plan } = record.plan as RunPlan // or already without
  return { ...record, plan }
}

/** A draft as the event with the given number. */
export function eventOf(jobId: string, seq: number, draft: JobEventDraft): JobEvent {
  return { ...draft, seq, jobId, at: new Date(START + seq) } as JobEvent // a draft is an event without these three
}

/** The event of a result. */
export function terminalOf(result: RecalcResult): JobEventDraft {
  switch (result.status) {
    case 'completed':
    case 'completed_with_errors':
      return { type: 'completed', result }
    case 'cancelled':
      return { type: 'cancelled', result, reason: 'enough' }
    default:
      return { type: result.status, result }
  }
}

/** A result with something in each of its fields. */
export function resultOf(status: RunStatus): RecalcResult {
  return {
    status,
    totalDays: 31,
    processedDays: 28,
    unchangedDays: 20,
    skippedDays: 1,
    failedDays: 2,
    errorCount: 1,
    errors: [failureOn('7', '2025-01-02')],
    ...(status === 'failed' && { error: { code: 'ECONNRESET', message: 'read ECONNRESET' } }),
    startedAt: new Date(START + 1),
    finishedAt: new Date(START + 60_001),
  }
}

/** A day that failed. */
export function failureOn(
  employeeId: string,
  date: string,
  { message = `no clock times on ${date}`, through = date } = {},
): RecalcFailure {
  const days = { date: parseIsoDate(date, 'date'), through: parseIsoDate(through, 'through') }
  return { employeeId, ...days, stage: 'scores', code: 'TypeError', message, attempts: 1 }
}

/** A tenant stage that failed. */
export function stageFailure(stage: string): RecalcFailure {
  return {
    employeeId: null,
    date: null,
    through: null,
    stage,
    code: 'RangeError',
    message: `${stage} failed`,
    attempts: 2,
  }
}

/** Failures without their numbers, and whether they were moved. */
export function unnumbered(failures: readonly RecordedFailure[]): readonly RecalcFailure[] {
  return failures.map(({ number: _, moved: __, ...failure }) => failure)
}

/** A lane of the whole plan. */
export function laneOf(id: number, employeeIds: readonly string[], datesDone = 0): LaneCheckpoint {
  const { from, to } = planOf({})
  return { id, kind: 'initial', employeeIds, from, to, datesDone }
}

/** A checkpoint with its lanes in one order. */
export function sorted(checkpoint: Checkpoint): Checkpoint {
  return { ...checkpoint, openLanes: checkpoint.openLanes.toSorted((a, b) => a.id - b.id) }
}
