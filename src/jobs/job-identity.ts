import { createHash } from 'node:crypto'
import type { RunPlan } from '../run/plan/run-plan.ts'

/** What a job is known by when whoever asked for it may ask again. */
export interface JobIdentity {
  /** The same for the same tenant and key. */
  readonly id: string
  /** The same for the same request. */
  readonly fingerprint: string
}

/**
 * The identity of a job that is asked for under an idempotency key.
 *
 * The request is what the caller said, not what became of it here: a stage or a zone that was deployed between two calls
 * does not make the second one another request.
 */
export function identityOf(
  plan: RunPlan,
  asked: { readonly key: string; readonly reason: string | null },
): JobIdentity {
  const { kind, tenantId, employeeIds, from, to, tables = null, clearExisting, onError, actor } = plan
  const request = [kind, tenantId, employeeIds, from, to, tables, clearExisting, onError, asked.reason]
  return {
    id: uuidOf(sha256(['job', tenantId, asked.key])),
    fingerprint: sha256(actor === undefined ? request : [...request, actor]),
  }
}

function sha256(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** The first 122 bits as a UUID of version 8, the one for hashes of one's own (RFC 9562). */
function uuidOf(hash: string): string {
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
  const groups = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    variant + hash.slice(17, 20),
    hash.slice(20, 32),
  ]
  return groups.join('-')
}
