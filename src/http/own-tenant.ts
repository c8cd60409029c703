import { covers } from './access.ts'
import { Problem } from './problem.ts'
import type { Call } from './route.ts'

/**
 * Refuses a tenant that the caller has no access to, in the same words whether or not there is such a tenant.
 *
 * @throws {Problem} 403.
 */
export function checkOwnTenant({ access }: Pick<Call, 'access'>, tenantId: string): void {
  if (!covers(access, tenantId)) throw new Problem(403, 'FORBIDDEN', 'These credentials do not cover this tenant')
}
