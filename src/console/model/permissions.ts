import type { Action, Me } from '../net/api-types.ts'

/** Whether the caller may do this at all; for which tenants, the server says. */
export function may(me: Me | null, action: Action): boolean {
  return me !== null && (me.actions === '*' || me.actions.includes(action))
}
