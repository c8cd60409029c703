import { covers } from '../auth/access.ts'
import type { Call } from '../call.ts'
import { jobConflict } from './problem-of-error.ts'

/** With `exclusive: 'global'` the job in the way may be another tenant's, and none of the caller's business. */
export async function conflictFor({ api, access }: Pick<Call, 'api' | 'access'>, activeJobId: string) {
  const active = await api.recalc.getJob(activeJobId).catch(() => undefined)
  return jobConflict(active && covers(access, active.tenantId) ? activeJobId : null)
}
