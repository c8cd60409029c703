import { ascending, greatest, sum } from './arithmetic.ts'
import { addDays } from './calendar.ts'
import type { PlainPerson } from './days.ts'

export interface PlainPrimaryRole {
  readonly roleId: number
  readonly items: number
  readonly asOf: string
}

/** Rule 9. */
export function primaryRoleOf(person: PlainPerson, today: string): PlainPrimaryRole | undefined {
  const recent = person.windows.filter(({ startDate }) => addDays(today, -29) <= startDate && startDate <= today)
  const roles = ascending(recent.map(({ role }) => role.id)).map((roleId) => {
    const items = sum(
      recent.filter(({ role }) => role.id === roleId),
      (window) => window.items,
    )
    return { roleId, items, asOf: today }
  })
  return greatest(
    roles,
    ({ items }) => items,
    ({ roleId }) => -roleId,
  )
}
