import type { IsoDate } from 'recalc-service'
import type { DayFacts } from './score-day.ts'

/** A new rule: from a work date on, a role counts differently. */
export interface RoleChange {
  readonly roleId: number
  /** Points per item, in hundredths. */
  readonly multiplier: number
  readonly from: IsoDate
}

/** What a day is scored from, under the new rule. */
export function underChange(facts: DayFacts, date: IsoDate, change: RoleChange | undefined): DayFacts {
  if (!change || date < change.from) return facts
  const { roleId, multiplier } = change
  const windows = facts.windows.map((window) =>
    window.role.id === roleId ? { ...window, role: { ...window.role, multiplier } } : window,
  )
  return { ...facts, windows }
}
