import { describe } from '../../expectation.ts'
import { Problem } from '../response/problem.ts'
import { type Access, type Action, type Authorize, isAccess, mayDo } from './access.ts'

/** Nobody in particular, for what is open to everybody. */
const NOBODY: Access = { tenants: [], actions: [] }

/**
 * Finds out who is calling and whether they may.
 *
 * @param action `null`: anybody may.
 * @throws {Problem} 401 for somebody unknown, 403 for somebody who lacks the action.
 */
export async function authorizeRequest(request: Request, authorize: Authorize, action: Action | null): Promise<Access> {
  if (action === null) return NOBODY
  const access: unknown = await authorize(request)
  if (access === null) {
    const { challenge } = authorize
    throw new Problem(401, 'UNAUTHORIZED', 'Expected valid credentials', {
      ...(challenge !== undefined && { headers: { 'WWW-Authenticate': challenge } }),
    })
  }
  // Whatever else a host gives by mistake must not let anybody in.
  if (!isAccess(access)) {
    throw new TypeError(`Expected \`authorize\` to give { tenants, actions } or null, got ${describe(access)}`)
  }
  if (!mayDo(access, action)) throw new Problem(403, 'FORBIDDEN', `These credentials do not cover "${action}"`)
  return access
}
