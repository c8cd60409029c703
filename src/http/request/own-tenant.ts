import { covers } from '../auth/access.ts'
import type { Call } from '../call.ts'
import { Problem } from '../response/problem.ts'

/**
 * Refuses a tenant that the caller has no access to, in the same words whether or not there is such a tenant.
 *
 * @throws {Problem} 403.
 */
export function checkOwnTenant({ access }: Pick<Call, 'access'>, tenantId: string): void {
  if (!covers(access, tenantId)) throw new Problem(403, 'FORBIDDEN', 'These credentials do not cover this tenant')
}
