/** How many calendar days count, today included. */
export const PRIMARY_ROLE_DAYS = 30

/** How much somebody did in a role. */
export interface RoleItems {
  readonly roleId: number
  readonly items: number
}

/** Rule 9: the role with most items; of several the one with the lowest id. */
export function primaryRole(roles: readonly RoleItems[]): RoleItems | undefined {
  return roles.toSorted((a, b) => b.items - a.items || a.roleId - b.roleId)[0]
}
