import { randomUUID } from 'node:crypto'
import { countersFor } from '../run/counters.ts'
import type { RunPhase } from '../run/journal.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import type { QueuedEvent } from './job-events.ts'
import type { JobIdentity } from './job-identity.ts'
import type { JobRecord, JobWithPlan } from './job-record.ts'

/** A job that has just been asked for. */
export function newJob(
  plan: RunPlan,
  about: {
    readonly reason: string | null
    readonly scope: string | null
    readonly phases: readonly RunPhase[]
    readonly at: Date
    /** Default: a job of its own, whoever asks for it. */
    readonly identity?: JobIdentity | undefined
  },
): JobWithPlan {
  return {
    id: about.identity?.id ?? randomUUID(),
    plan,
    reason: about.reason,
    scope: about.scope,
    fingerprint: about.identity?.fingerprint ?? null,
    status: 'queued',
    phases: about.phases,
    phase: 0,
    counters: countersFor(plan.stages),
    progress: 0,
    remainingMs: null,
    createdAt: about.at,
    startedAt: null,
    resumedAt: null,
    finishedAt: null,
    runs: 0,
    recoveries: 0,
    reachedAtStart: null,
    lastSeq: 0,
    cancel: null,
    fault: null,
    result: null,
  }
}

/** The first event of a job. */
export function queuedEvent({ id, plan, reason, createdAt }: JobRecord): QueuedEvent {
  const { tenantId, from, to } = plan
  return Object.freeze({ type: 'queued', seq: 1, jobId: id, at: createdAt, tenantId, from, to, reason })
}
