/** Every {@link Action}. */
export const ACTIONS = [
  'start',
  'read',
  'cancel',
  'pause',
  'resume',
  'settle',
  'release',
  'history',
  'preview',
  'corrections',
  'settle-corrections',
] as const

/** What a caller may do. */
export type Action = (typeof ACTIONS)[number]

/** Whose jobs a caller may deal with, and how. */
export interface Access {
  /** Whose data the caller may see and change; `'*'`: everybody's. */
  readonly tenants: readonly string[] | '*'
  /** What the caller may do; `'*'`: everything. */
  readonly actions: readonly Action[] | '*'
  /** Who the caller is: kept with the jobs that they start, and in the history, whatever their requests say. */
  readonly actor?: string
  /** From then on the credentials are nobody's any more. Default: they do not expire. */
  readonly expiresAt?: Date
}

/**
 * Who is calling: what they may do, or `null` for somebody unknown. It is asked once per request, before anything of it is
 * looked at; for a stream again and again while it lasts, so that it ends when the credentials are revoked. It must leave
 * the request's body alone.
 */
export interface Authorize {
  (request: Request): Access | null | Promise<Access | null>
  /** What a 401 says in `WWW-Authenticate`. Default: no such header. */
  readonly challenge?: string
  /** How openapi.json describes the credentials: a Security Scheme Object. Default: not at all. */
  readonly securityScheme?: Readonly<Record<string, unknown>>
}

/** True when `access` has the action. */
export function mayDo({ actions }: Access, action: Action): boolean {
  return actions === '*' || actions.includes(action)
}

/** True when `access` covers the tenant. */
export function covers({ tenants }: Access, tenantId: string): boolean {
  return tenants === '*' || tenants.includes(tenantId)
}

/** True for what an {@link Authorize} may give for a known caller. */
export function isAccess(value: unknown): value is Access {
  if (typeof value !== 'object' || value === null) return false
  const { tenants, actions, actor, expiresAt } = value as Partial<Record<keyof Access, unknown>> // looked at before it is believed
  const isTenants = tenants === '*' || (Array.isArray(tenants) && tenants.every(isTenant))
  const isActions = actions === '*' || (Array.isArray(actions) && actions.every(isAction))
  const isActor = actor === undefined || typeof actor === 'string'
  return isTenants && isActions && isActor && (expiresAt === undefined || isInstant(expiresAt))
}

function isTenant(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isInstant(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime())
}

function isAction(value: unknown): boolean {
  return ACTIONS.some((action) => action === value)
}
