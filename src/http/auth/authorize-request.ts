import { describe } from '../../expectation.ts'
import type { ResolvedApiOptions } from '../options.ts'
import { Problem } from '../response/problem.ts'
import { type Access, type Action, type Authorize, isAccess, mayDo } from './access.ts'

/** Nobody in particular, for what is open to everybody. */
const NOBODY: Access = { tenants: [], actions: [] }

/**
 * Finds out who is calling and whether they may.
 *
 * @param action `null`: anybody may.
 * @throws {Problem} 401 for somebody unknown and for credentials that have expired, 403 for somebody who lacks the action.
 */
export async function authorizeRequest(
  request: Request,
  { authorize, clock }: Pick<ResolvedApiOptions, 'authorize' | 'clock'>,
  action: Action | null,
): Promise<Access> {
  if (action === null) return NOBODY
  const access: unknown = await authorize(request)
  if (access === null) throw unauthorized(authorize, 'Expected valid credentials')
  // Whatever else a host gives by mistake must not let anybody in.
  if (!isAccess(access)) {
    const shape = '{ tenants, actions, expiresAt? } or null'
    throw new TypeError(`Expected \`authorize\` to give ${shape}, got ${describe(access)}`)
  }
  const { expiresAt } = access
  if (expiresAt && expiresAt.getTime() <= clock.now()) throw unauthorized(authorize, 'These credentials have expired')
  if (!mayDo(access, action)) throw new Problem(403, 'FORBIDDEN', `These credentials do not cover "${action}"`)
  return access
}

function unauthorized({ challenge }: Authorize, detail: string): Problem {
  return new Problem(401, 'UNAUTHORIZED', detail, {
    ...(challenge !== undefined && { headers: { 'WWW-Authenticate': challenge } }),
  })
}
