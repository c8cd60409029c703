import type { RunPlan } from '../run/plan/run-plan.ts'

/** Among which jobs at most one may be active. */
export type Exclusive = 'none' | 'tenant' | 'global'

/** Which jobs a job excludes; `null`: none. A day or a range of one employee always goes ahead: the employee locks order it. */
export function scopeOf({ kind, tenantId }: RunPlan, exclusive: Exclusive): string | null {
  if (kind === 'day' || kind === 'range' || exclusive === 'none') return null
  return exclusive === 'global' ? 'global' : `tenant ${tenantId}`
}
