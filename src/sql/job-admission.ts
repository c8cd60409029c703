import { JobNotFoundError } from '../errors.ts'
import type { JobEvent } from '../jobs/job-events.ts'
import type { JobStatus } from '../jobs/job-record.ts'
import { ACTIVE, type JobWithPlan } from '../jobs/job-record.ts'
import { reduceJob } from '../jobs/job-state.ts'
import type { Admission, AdmissionRequest, Claim, ClaimOf, Lease } from '../jobs/job-store.ts'
import { asciiJson } from './ascii-json.ts'
import { hash } from './hash.ts'
import type { JobDatabase } from './job-database.ts'
import { isHeld } from './job-database.ts'
import { NEVER, notWaiting, placeInQueue, rivalsIn } from './job-queue.ts'
import { readCheckpoint, readEmployeeIds, readRecord } from './job-reads.ts'
import { columnsOf, eventBody, nothingCounted } from './job-rows.ts'
import { unclaimed } from './lane-rows.ts'
import { bytesOfJson, statements } from './statements.ts'
import { type JobsTable, jobKey, type RecalcTx } from './tables.ts'

/**
 * Stores a queued job, or says what stands in its way, in one step: whoever wants into the same scope waits, and so does
 * who asks for jobs of the same tenant under idempotency keys.
 */
export function createJob(
  database: JobDatabase,
  record: JobWithPlan,
  event: JobEvent,
  request: AdmissionRequest,
): Promise<Admission> {
  const { names } = database
  const scopeHash = record.scope === null ? null : hash('scope', record.scope)
  const mayExist = record.fingerprint !== null
  const locks = [...(scopeHash ? [scopeHash] : []), ...(mayExist ? [hash('keys', record.plan.tenantId)] : [])]
  let tries = 0
  return database.transaction(async (tx): Promise<Admission> => {
    tries += 1
    const lease: Lease = { jobId: record.id, claimId: request.claimId, token: 1 }
    const before = tries > 1 ? await database.lockJob(tx, record.id) : undefined
    // Stored before, by an attempt whose answer was lost.
    if (before?.claim_id === lease.claimId) return isHeld(before) ? { lease } : { waits: true }
    if (locks.length > 0) await database.lockRows(tx, locks)
    if (mayExist) {
      const existing = await readRecord(database, tx, record.id)
      if (existing) return { existing }
    }
    const rivals = scopeHash === null ? [] : await rivalsIn(database, tx, scopeHash)
    const [active] = rivals
    if (active && request.whenBusy === 'reject') return { activeJobId: active.id }
    if (scopeHash !== null) {
      const retryAfterMs = await cooldownIn(database, tx, scopeHash, request)
      if (retryAfterMs > 0) return { retryAfterMs }
    }
    const waits = active !== undefined || !request.worker
    const place = waits ? placeInQueue(record, scopeHash, request.now, rivals) : notWaiting
    await tx
      .insertInto(names.jobs)
      .values({
        id: record.id,
        claim_id: lease.claimId,
        tenant_hash: hash('tenant', record.plan.tenantId),
        scope_hash: scopeHash,
        created_at: record.createdAt.getTime(),
        ...columnsOf(record),
        ...nothingCounted,
        steps: 0,
        dispatched_through: 'null',
        all_dispatched: 0,
        tenant_stages_done: '[]',
        next_lane_id: 1,
        last_seq: event.seq,
        last_failure: 0,
        lease_token: waits ? 0 : lease.token,
        lease_expires_at: waits ? NEVER : request.now + request.leaseMs,
        cancel: null,
        pause_requested: 0,
        ...place,
      })
      .execute()
    await storeEmployees(database, tx, record)
    const body = eventBody(event)
    await tx.insertInto(names.events).values({ job_id: record.id, seq: event.seq, body }).execute()
    return waits ? { waits } : { lease }
  })
}

async function cooldownIn(
  { names }: JobDatabase,
  tx: RecalcTx,
  scopeHash: string,
  { now, cooldownMs }: { readonly now: number; readonly cooldownMs: number },
): Promise<number> {
  if (cooldownMs === 0) return 0
  const last = await tx
    .selectFrom(names.jobs)
    .select('created_at')
    .where('scope_hash', '=', scopeHash)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last ? Number(last.created_at) + cooldownMs - now : 0
}

async function storeEmployees({ names }: JobDatabase, tx: RecalcTx, { id, plan }: JobWithPlan): Promise<void> {
  let part = 0
  for (const ids of statements(plan.employeeIds ?? [], bytesOfJson, Number.POSITIVE_INFINITY)) {
    part += 1
    await tx
      .insertInto(names.job_employees)
      .values({ job_id: id, part, employee_ids: asciiJson(ids) })
      .execute()
  }
}

/** Takes a job over: the next higher token goes into the job and into its lanes, so that its last holder writes nothing more. */
export function claimJob(database: JobDatabase, jobId: string, request: ClaimOf): Promise<Claim> {
  const { names } = database
  let takenOver = false
  return database.transaction(async (tx): Promise<Claim> => {
    const scope = await tx
      .selectFrom(names.jobs)
      .select('scope_hash')
      .where('id', '=', jobKey(jobId))
      .executeTakeFirst()
    if (!scope) throw new JobNotFoundError(jobId)
    if (scope.scope_hash !== null) await database.lockRows(tx, [scope.scope_hash])
    const job = await database.lockJob(tx, jobId)
    if (!job) throw new JobNotFoundError(jobId)
    const status = job.status as JobStatus // as the library wrote it
    const { claimId, toEnd = false } = request
    const isTakenOver = isHeld(job)
    // Claimed before, by an attempt whose answer was lost.
    if (job.claim_id === claimId && isTakenOver) {
      const lease = { jobId, claimId, token: Number(job.lease_token) }
      return await claimOf(database, tx, lease, { takenOver, lastFailure: Number(job.last_failure) })
    }
    const isAlive = isTakenOver && Number(job.lease_expires_at) > request.now
    if (isAlive || !request.from.includes(status)) return { status }
    const rival = toEnd || job.scope_hash === null ? undefined : await rivalOf(database, tx, job)
    if (rival) return { activeJobId: rival }
    const token = Number(job.lease_token) + 1
    const before = await readRecord(database, tx, jobId)
    if (!before) throw new JobNotFoundError(jobId)
    const record = reduceJob(before, { type: 'claim', takenOver: isTakenOver, toEnd })
    await tx
      .updateTable(names.jobs)
      .set({
        ...columnsOf(record),
        cancel: record.cancel && asciiJson(record.cancel.reason),
        pause_requested: record.pauseRequested ? 1 : 0,
        ...notWaiting,
        claim_id: claimId,
        lease_token: token,
        lease_expires_at: request.now + request.leaseMs,
      })
      .where('id', '=', jobId)
      .execute()
    // Waits for blocks of the last holder that have written their step but not committed yet.
    await tx
      .updateTable(names.lanes)
      .set({ lease_token: token, ...unclaimed })
      .where('job_id', '=', jobId)
      .execute()
    takenOver = isTakenOver
    return await claimOf(database, tx, { jobId, claimId, token }, { takenOver, lastFailure: Number(job.last_failure) })
  })
}

async function claimOf(
  database: JobDatabase,
  tx: RecalcTx,
  lease: Lease,
  found: Pick<Extract<Claim, { lease: Lease }>, 'lastFailure' | 'takenOver'>,
): Promise<Claim> {
  const checkpoint = await readCheckpoint(database, tx, lease.jobId)
  const record = await readRecord(database, tx, lease.jobId)
  if (!record || !checkpoint) throw new JobNotFoundError(lease.jobId)
  const employeeIds = await readEmployeeIds(database, tx, record)
  return { lease, record: { ...record, plan: { ...record.plan, employeeIds } }, checkpoint, ...found }
}

async function rivalOf(
  { names }: JobDatabase,
  tx: RecalcTx,
  { id, scope_hash, queue_order }: Pick<JobsTable, 'id' | 'scope_hash' | 'queue_order'>,
): Promise<string | undefined> {
  const rival = await tx
    .selectFrom(names.jobs)
    .select('id')
    .where('scope_hash', '=', scope_hash)
    .where('status', 'in', ACTIVE)
    // Those that are held have 0. Who waits stands only in the way of those behind it.
    .where('queue_order', '<', Math.max(1, Number(queue_order)))
    .where('id', '<>', id)
    .executeTakeFirst()
  return rival?.id
}
