import type { Access } from '../auth/access.ts'

/** Why a recalculation is asked for, and by whom: what the credentials tell goes before what the body says. */
export function askedBy(
  access: Access,
  { reason, actor }: { readonly reason?: string | undefined; readonly actor?: string | undefined },
) {
  const name = access.actor ?? actor
  return { ...(reason !== undefined && { reason }), ...(name !== undefined && { actor: name }) }
}
