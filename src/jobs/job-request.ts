import type { JobTriggerOptions } from '../run/plan/resolve-request.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import { identityOf } from './job-identity.ts'
import { type Exclusive, scopeOf } from './job-scope.ts'
import type { WhenBusy } from './job-store.ts'
import type { Jobs } from './jobs.ts'

/** What is asked of a job beside its plan, with the service's defaults. */
export function jobRequestOf(
  plan: RunPlan,
  options: JobTriggerOptions,
  service: { readonly exclusive: Exclusive; readonly whenBusy: WhenBusy },
): Parameters<Jobs<never>['create']>[2] {
  const { reason = null, signal, cooldownMs = 0, idempotencyKey: key, whenBusy = service.whenBusy } = options
  const identity = key === undefined ? undefined : identityOf(plan, { key, reason })
  return { reason, scope: scopeOf(plan, service.exclusive), signal, cooldownMs, whenBusy, identity }
}
