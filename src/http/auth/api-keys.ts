import { createHash, timingSafeEqual } from 'node:crypto'
import { InvalidOptionsError } from '../../errors.ts'
import { describe, isPlainObject } from '../../expectation.ts'
import { type Access, type Authorize, isAccess } from './access.ts'

const HEADER = 'X-API-Key'

/** What a header can carry as it is. */
const visibleAscii = /^[\x21-\x7e]+$/

/**
 * Callers known by the key that they send as `X-API-Key`. Keys are compared by their SHA-256 in constant time, each with
 * every known one, so that the time an answer takes says nothing about them.
 *
 * @throws {InvalidOptionsError} without any key, for an empty one, and for one that a header cannot carry.
 * @example
 * const { ADMIN_KEY = '', ACME_KEY = '' } = process.env
 * apiKeys({
 *   [ADMIN_KEY]: { tenants: '*', actions: '*' },
 *   [ACME_KEY]: { tenants: ['acme'], actions: ['start', 'read'], expiresAt: new Date('2026-01-01T00:00:00Z') },
 * })
 */
export function apiKeys(keys: Readonly<Record<string, Access>>): Authorize {
  if (!isPlainObject(keys) || Object.keys(keys).length === 0) {
    throw new InvalidOptionsError(`Expected \`keys\` to be an object with at least one key, got ${describe(keys)}`)
  }
  const known = Object.entries(keys).map(([key, access]) => ({
    digest: digestOf(checkKey(key)),
    access: copyOf(access),
  }))
  const authorize = (request: Request): Access | null => {
    const digest = digestOf(request.headers.get(HEADER) ?? '')
    let found: Access | null = null
    for (const candidate of known) if (timingSafeEqual(candidate.digest, digest)) found = candidate.access
    return found
  }
  return Object.assign(authorize, {
    challenge: `ApiKey header="${HEADER}"`,
    securityScheme: { type: 'apiKey', in: 'header', name: HEADER },
  })
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** No message repeats a key: it may end up in a log. */
function checkKey(key: string): string {
  // An undefined environment variable becomes the name of a property.
  if (visibleAscii.test(key) && key !== 'undefined' && key !== 'null') return key
  throw new InvalidOptionsError('Expected every key of `keys` to be one or more visible ASCII characters, got another')
}

function copyOf(access: unknown): Access {
  if (!isAccess(access)) {
    const shape = "{ tenants: string[] | '*', actions: string[] | '*', actor?: string, expiresAt?: Date }"
    throw new InvalidOptionsError(`Expected every value of \`keys\` to be ${shape}, got ${describe(access)}`)
  }
  const { tenants, actions, actor, expiresAt } = access
  return {
    tenants: tenants === '*' ? '*' : [...tenants],
    actions: actions === '*' ? '*' : [...actions],
    ...(actor !== undefined && { actor }),
    ...(expiresAt && { expiresAt: new Date(expiresAt) }),
  }
}
