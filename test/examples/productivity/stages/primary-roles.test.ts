import { dayBounds, type IsoDate } from 'recalc-service'
import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import { HOUR, roles } from '../support/arbitraries.ts'
import { derivedPlainly } from '../support/derived-rows.ts'
import { allEngines } from './all-engines.ts'
import { activity, at, day, tenantId } from './june-17.ts'

const noon = new Date(at(12))

/** The roles as [employee, role, items, as of]. */
async function recalculate(db: Database, { zone = 'Europe/Berlin', asOf = noon } = {}) {
  await createProductivity(db, { zone, asOf }).triggerRecalcAll({ tenantId, from: day, to: day })
  return (await derivedPlainly(db)).primaryRoles.map((row) => [row.employeeId, row.roleId, row.items, row.asOf])
}

describe.each(await allEngines())('primary roles on $name', ({ open }) => {
  const withWork = (activityLogs: readonly ReturnType<typeof activity>[]) => open({ roleConfigs: roles, activityLogs })

  it('are those with most items, of several the one with the lowest id', async () => {
    const db = await withWork([
      activity(at(8), at(9), { role: 3, items: 4 }),
      activity(at(9), at(10), { role: 2, items: 3 }),
      activity(at(10), at(11), { role: 2, items: 2 }),
      activity(at(8), at(9), { employee: 'b', role: 5, items: 4 }),
      activity(at(8), at(9), { employee: 'b', role: 4, items: 4 }),
      activity(at(8), at(9), { employee: 'c', role: 3, items: 0 }),
    ])
    expect(await recalculate(db)).toEqual([
      ['a', 2, 5, day],
      ['b', 4, 4, day],
      ['c', 3, 0, day],
    ])
  })

  it.each([
    ['Europe/Berlin', '2025-06-17', '2025-05-19'],
    ['Europe/Berlin', '2025-04-10', '2025-03-12'],
    ['America/New_York', '2025-11-20', '2025-10-22'],
    ['Pacific/Kiritimati', '2025-06-17', '2025-05-19'],
  ])(
    'look at thirty calendar days of %s up to %s: from the first instant of %s to the last of today',
    async (zone, today, first) => {
      const { start } = dayBounds(first as IsoDate, zone)
      const { start: morning, end } = dayBounds(today as IsoDate, zone)
      const begins = (instant: number, employee: string) => activity(instant, instant + HOUR, { employee })
      const db = await withWork([
        begins(start.getTime() - 1, 'a'),
        begins(start.getTime(), 'b'),
        begins(end.getTime() - 1, 'c'),
        begins(end.getTime(), 'd'),
      ])
      for (const asOf of [morning, new Date(end.getTime() - 1)]) {
        expect((await recalculate(db, { zone, asOf })).map(([employee]) => employee)).toEqual(['b', 'c'])
      }
    },
  )

  it('slide: the old role goes with its items, and the row with the last of them', async () => {
    const db = await withWork([
      activity(at(8), at(9), { role: 5, items: 100 }),
      activity(at(8 + 24), at(9 + 24), { role: 1, items: 1 }),
    ])
    const asOfDay = (days: number) => recalculate(db, { asOf: new Date(at(12 + 24 * days)) })
    expect(await asOfDay(29)).toEqual([['a', 5, 100, '2025-07-16']])
    expect(await asOfDay(30)).toEqual([['a', 1, 1, '2025-07-17']])
    expect(await asOfDay(31)).toEqual([])
  })

  it('do not depend on the days that were asked for', async () => {
    const db = await withWork([activity(at(-100), at(-99), { role: 5, items: 100 })])
    expect(await recalculate(db)).toEqual([['a', 5, 100, day]])
  })
})
