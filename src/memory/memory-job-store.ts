import { InvalidOptionsError, JobNotFoundError, LeaseLostError } from '../errors.ts'
import { expected } from '../expectation.ts'
import { JobChanges } from '../jobs/job-changes.ts'
import type { JobEvent } from '../jobs/job-events.ts'
import { hasEnded, isCancellable, type JobRecord, type JobStatus, type JobWithPlan } from '../jobs/job-record.ts'
import { reduceJob } from '../jobs/job-state.ts'
import type {
  AbandonedJob,
  Admission,
  AdmissionRequest,
  Claim,
  ClaimOf,
  JobQuery,
  JobStore,
  Lease,
  LeaseRequest,
  Renewal,
  Requeued,
  WaitingPage,
  WhenBusy,
} from '../jobs/job-store.ts'
import { queueOrder } from '../jobs/queue-order.ts'
import {
  type Checkpoint,
  type Dispatched,
  type LaneCheckpoint,
  type RecordedFailure,
  type Step,
  StepSavedBefore,
} from '../run/checkpoint.ts'
import { daysDone } from '../run/counters.ts'
import type { AfterCommit } from '../run/journal.ts'
import { MemoryJob } from './memory-job.ts'
import { MemoryLaneStore } from './memory-lane-store.ts'

/** Jobs in a map. Every method does its whole work in one go, so nothing can come in between. */
export class MemoryJobStore implements JobStore<unknown> {
  /** The lanes of these jobs. */
  readonly lanes = new MemoryLaneStore((holder) => this.#held(holder))
  readonly #maxJobs: number
  readonly #maxEvents: number
  // In the order in which they were made.
  readonly #jobs = new Map<string, MemoryJob>()
  readonly #changes = new JobChanges()

  constructor(options: { readonly maxJobs?: number; readonly maxEvents?: number } = {}) {
    this.#maxJobs = limit('maxJobs', options.maxJobs ?? 100)
    this.#maxEvents = limit('maxEvents', options.maxEvents ?? 10_000)
  }

  async create(record: JobWithPlan, event: JobEvent, request: AdmissionRequest): Promise<Admission> {
    const existing = this.#jobs.get(record.id)
    if (existing && record.fingerprint !== null) return { existing: existing.record }
    const rivals = this.#ofScope(record.scope)
    const active = firstActive(rivals)
    if (active && request.whenBusy === 'reject') return { activeJobId: active.record.id }
    const madeLast = rivals.reduce((last, job) => Math.max(last, job.record.createdAt.getTime()), -Infinity)
    const retryAfterMs = madeLast + request.cooldownMs - request.now
    if (request.cooldownMs > 0 && retryAfterMs > 0) return { retryAfterMs }
    const waits = active !== undefined || !request.worker
    const lease = { jobId: record.id, claimId: request.claimId, token: waits ? 0 : 1 }
    const job = new MemoryJob({ ...record, lastSeq: event.seq }, { ...lease, expiresAt: request.now + request.leaseMs })
    if (waits) job.queueOrder = queueOrder(record.plan, request.now, lastOrder(rivals))
    job.addEvents([event], this.#maxEvents)
    this.#jobs.set(record.id, job)
    this.#forgetOldest()
    return waits ? { waits } : { lease }
  }

  async claim(jobId: string, request: ClaimOf): Promise<Claim> {
    const job = this.#jobs.get(jobId)
    if (!job) throw new JobNotFoundError(jobId)
    const { status, scope } = job.record
    if (job.lease.claimId === request.claimId && job.isHeld) return this.#claimOf(job, false)
    const takenOver = job.isHeld
    const expired = job.lease.expiresAt <= request.now
    if (!request.from.includes(status) || (takenOver && !expired)) return { status }
    const { toEnd = false } = request
    const { queueOrder } = job
    const isInFront = (other: MemoryJob) => other.isHeld || (other.isActive && other.queueOrder < queueOrder)
    const rival = toEnd ? undefined : this.#ofScope(scope).find((other) => other !== job && isInFront(other))
    if (rival) return { activeJobId: rival.record.id }
    const lease = { jobId, claimId: request.claimId, token: job.lease.token + 1 }
    job.lease = { ...lease, expiresAt: request.now + request.leaseMs }
    job.queueOrder = 0
    job.lanes.reset()
    job.record = reduceJob(job.record, { type: 'claim', takenOver, toEnd })
    return this.#claimOf(job, takenOver)
  }

  async requeue(
    jobId: string,
    request: { readonly now: number; readonly from: readonly JobStatus[]; readonly whenBusy: WhenBusy },
  ): Promise<Requeued> {
    const job = this.#jobs.get(jobId)
    if (!job) throw new JobNotFoundError(jobId)
    const { status, scope } = job.record
    if (!request.from.includes(status) || job.isActive) return { status }
    const rivals = this.#ofScope(scope)
    const active = firstActive(rivals)
    if (active && request.whenBusy === 'reject') return { activeJobId: active.record.id }
    job.queueOrder = queueOrder(job.plan, request.now, lastOrder(rivals))
    // Whoever worked on it writes nothing more.
    job.lease = { ...job.lease, claimId: '', token: job.lease.token + 1 }
    job.record = reduceJob(job.record, { type: 'enqueue' })
    this.#changes.emit(jobId)
    return { record: job.record }
  }

  async listWaiting(query: {
    readonly limit: number
    readonly after: string | null
    readonly except: readonly string[]
  }): Promise<WaitingPage> {
    const waiting = Map.groupBy(
      [...this.#jobs.values()].filter(({ queueOrder }) => queueOrder > 0),
      ({ queue }) => queue,
    )
    const queues = [...waiting].filter(([queue]) => query.after === null || queue > query.after).sort(byKey)
    const page = queues.slice(0, query.limit)
    const jobs = page.flatMap(([, members]) => {
      const [first] = members
        .filter(({ record }) => !query.except.includes(record.id))
        .sort((a, b) => a.queueOrder - b.queueOrder)
      if (!first || this.#ofScope(first.record.scope).some((other) => other.isHeld)) return []
      return [{ jobId: first.record.id, tenantKey: first.record.plan.tenantId, order: first.queueOrder }]
    })
    return { jobs, next: page.length < query.limit ? null : (page.at(-1)?.[0] ?? null) }
  }

  /** Jobs that exclude each other; none without a scope. */
  #ofScope(scope: string | null): readonly MemoryJob[] {
    return scope === null ? [] : [...this.#jobs.values()].filter((job) => job.record.scope === scope)
  }

  #claimOf(job: MemoryJob, takenOver: boolean): Claim {
    const { checkpoint, lastFailure, plan } = job
    const { jobId, claimId, token } = job.lease
    return { lease: { jobId, claimId, token }, record: { ...job.record, plan }, checkpoint, lastFailure, takenOver }
  }

  async renew(lease: Lease, request: LeaseRequest): Promise<Renewal> {
    const job = this.#held(lease)
    job.lease = { ...job.lease, expiresAt: request.now + request.leaseMs }
    return { cancel: job.record.cancel, pause: job.record.pauseRequested }
  }

  async get(jobId: string): Promise<JobRecord | undefined> {
    return this.#jobs.get(jobId)?.record
  }

  async list({ tenantId, status, limit = 100, after }: JobQuery): Promise<readonly JobRecord[]> {
    const tenants = tenantId === undefined ? undefined : new Set([tenantId].flat())
    if (tenants?.size === 0) return []
    const listed = [...this.#jobs.values()]
      .map(({ record }) => record)
      .filter(({ plan }) => !tenants || tenants.has(plan.tenantId))
      .reverse()
      .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
    const place = after === undefined ? -1 : listed.findIndex(({ id }) => id === after)
    if (after !== undefined && place === -1) throw new JobNotFoundError(after)
    return listed
      .slice(place + 1)
      .filter((record) => status === undefined || record.status === status)
      .slice(0, limit)
      .map((record) => ({ ...record, result: record.result && { ...record.result, errors: [] } }))
  }

  async listAbandoned(query: {
    readonly now: number
    readonly limit: number
    readonly after: string | null
  }): Promise<readonly AbandonedJob[]> {
    const ids = [...this.#jobs.keys()]
    const behind = new Set(ids.slice(query.after === null ? 0 : ids.indexOf(query.after) + 1))
    return [...this.#jobs.values()]
      .filter((job) => job.record.status === 'interrupted' || (job.isHeld && job.lease.expiresAt <= query.now))
      .filter((job) => behind.has(job.record.id))
      .slice(0, query.limit)
      .map(({ record: { id, status, cancel, pauseRequested } }) => {
        return { jobId: id, status, cancelRequested: cancel !== null, pauseRequested }
      })
  }

  async events(jobId: string, page: { readonly after: number; readonly limit: number }): Promise<readonly JobEvent[]> {
    return this.#jobs.get(jobId)?.events(page) ?? []
  }

  async failures(
    jobId: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly RecordedFailure[]> {
    return this.#jobs.get(jobId)?.failures(page) ?? []
  }

  async failuresOf(jobId: string, employeeIds: readonly string[]): Promise<readonly RecordedFailure[]> {
    return this.#jobs.get(jobId)?.failuresOf(new Set(employeeIds)) ?? []
  }

  async checkpoint(jobId: string): Promise<Checkpoint | undefined> {
    return this.#jobs.get(jobId)?.checkpoint
  }

  async employeeIds(
    jobId: string,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly string[]> {
    const { after, limit } = page
    const employeeIds = this.#jobs.get(jobId)?.plan.employeeIds ?? []
    const start = employeeIds.findIndex((id) => after === null || id > after)
    return start === -1 ? [] : employeeIds.slice(start, start + limit)
  }

  watch(jobId: string, listener: () => void): () => void {
    return this.#changes.listen(jobId, listener)
  }

  async requestCancel(jobId: string, reason: string | null): Promise<boolean | undefined> {
    const job = this.#jobs.get(jobId)
    if (!job) return undefined
    if (!isCancellable(job.record.status)) return false
    // What is paused nobody looks for, but to end what is interrupted.
    const status = job.record.status === 'paused' ? 'interrupted' : job.record.status
    job.record = { ...job.record, status, cancel: { reason } }
    this.#leaveQueue(job)
    job.lanes.stop()
    this.#changes.emit(jobId)
    return true
  }

  async requestPause(jobId: string): Promise<boolean | undefined> {
    const job = this.#jobs.get(jobId)
    if (!job) return undefined
    const { status, cancel } = job.record
    if (status === 'paused') return true
    if (!isCancellable(status) || cancel) return false
    job.record = { ...job.record, pauseRequested: true }
    this.#leaveQueue(job)
    job.lanes.stop()
    this.#changes.emit(jobId)
    return true
  }

  /** A job that waits no more is nobody's: whoever finds it ends it. */
  #leaveQueue(job: MemoryJob): void {
    if (job.queueOrder === 0) return
    job.queueOrder = 0
    job.lease = { ...job.lease, expiresAt: 0 }
  }

  async openLanes(lease: Lease, lanes: readonly LaneCheckpoint[], dispatched: Dispatched | undefined): Promise<void> {
    this.#held(lease).openLanes(lanes, dispatched)
  }

  async splitLane(lease: Lease, laneId: number, into: readonly LaneCheckpoint[]): Promise<void> {
    this.#held(lease).splitLane(laneId, into)
  }

  async saveStep(_tx: unknown, lease: Lease, step: Step): Promise<AfterCommit> {
    if (step.repeated && this.#held(lease).hasSaved(step)) throw new StepSavedBefore()
    this.#held(lease)
    return () => this.#held(lease).apply(step)
  }

  async append(lease: Lease, events: readonly JobEvent[], record: JobRecord): Promise<JobRecord['cancel']> {
    const job = this.#jobs.get(lease.jobId)
    const fresh = events.filter(({ seq }) => seq > (job?.record.lastSeq ?? 0))
    if (job?.lease.token === lease.token && events.length > 0 && fresh.length === 0) return null
    const held = this.#held(lease)
    const { cancel, pauseRequested, counters, lastSeq } = held.record
    if (cancel && hasEnded(record.status) && record.status !== 'cancelled') return cancel
    const totalDays = Math.max(record.counters.totalDays, daysDone(counters))
    const kept = { cancel, pauseRequested, counters: { ...counters, totalDays } }
    held.record = { ...record, ...kept, lastSeq: fresh.at(-1)?.seq ?? lastSeq }
    held.addEvents(fresh, this.#maxEvents)
    this.#changes.emit(lease.jobId)
    return null
  }

  #held(lease: Pick<Lease, 'jobId' | 'token'>): MemoryJob {
    const job = this.#jobs.get(lease.jobId)
    if (!job || job.lease.token !== lease.token || !job.isHeld) throw new LeaseLostError(lease.jobId)
    return job
  }

  #forgetOldest(): void {
    let finished = [...this.#jobs.values()].filter((job) => !job.isActive).length
    for (const [id, job] of this.#jobs) {
      if (finished <= this.#maxJobs) return
      if (job.isActive) continue
      this.#jobs.delete(id)
      finished -= 1
    }
  }
}

/** The active one of a scope: who works, or else who waits in front of the others. */
function firstActive(rivals: readonly MemoryJob[]): MemoryJob | undefined {
  return rivals.filter((job) => job.isActive).sort((a, b) => a.queueOrder - b.queueOrder)[0]
}

function lastOrder(rivals: readonly MemoryJob[]): number {
  return rivals.reduce((last, { queueOrder }) => Math.max(last, queueOrder), 0)
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

function limit(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && Number(value) >= 1) return Number(value)
  throw new InvalidOptionsError(expected(name, 'a whole number from 1', value))
}
