import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import { roles } from '../support/arbitraries.ts'
import { derivedPlainly } from '../support/derived-rows.ts'
import { allEngines } from './all-engines.ts'
import { activity, at, day, shift, tenantId, zone } from './june-17.ts'

async function recalculate(db: Database, asOf: number) {
  await createProductivity(db, { zone, asOf: new Date(asOf) }).triggerRecalcAll({ tenantId, from: day, to: day })
  return (await derivedPlainly(db)).currentStatus
}

describe.each(await allEngines())('the current status on $name', ({ open }) => {
  it('follows somebody through a day, and goes with it', async () => {
    const db = await open({
      roleConfigs: roles,
      clockTimes: [shift(at(8), null)],
      activityLogs: [activity(at(8, 10), at(9), { items: 2, role: 3 })],
    })
    const nothing = { lastActivityAt: null, roleId: null, itemsToday: 2, pointsToday: 250 }
    const something = { ...nothing, roleId: 3 }
    expect(await recalculate(db, at(7))).toMatchObject([{ status: 'off', since: null }])
    expect(await recalculate(db, at(8, 9))).toEqual([{ employeeId: 'a', status: 'working', since: at(8), ...nothing }])
    expect(await recalculate(db, at(8, 30))).toEqual([
      { employeeId: 'a', status: 'working', since: at(8), ...something, lastActivityAt: at(8, 30) },
    ])
    // Role 3 has a threshold of an hour.
    expect(await recalculate(db, at(10))).toMatchObject([
      { status: 'working', since: at(8), lastActivityAt: at(9), roleId: 3 },
    ])
    expect(await recalculate(db, at(10) + 1)).toMatchObject([{ status: 'idle', since: at(9) }])
    await db
      .updateTable('clock_times')
      .set({ clock_out: at(11) })
      .execute()
    expect(await recalculate(db, at(12))).toMatchObject([{ status: 'off', since: at(11) }])
    expect(await recalculate(db, at(24) - 1)).toMatchObject([{ status: 'off', since: at(11) }])
    expect(await recalculate(db, at(24))).toEqual([])
  })

  it('is of whoever is still in the shift of last night, with what was done since, and of nobody who forgot it', async () => {
    const db = await open({
      roleConfigs: roles,
      clockTimes: [shift(at(-3), null), shift(at(-3), null, { employee: 'b' })],
      // The second began long before, and lasts into the shift.
      activityLogs: [activity(at(-1), at(1), { items: 2, role: 3 }), activity(at(-40), at(2), { employee: 'b' })],
    })
    const nothing = { itemsToday: 0, pointsToday: 0 }
    expect(await recalculate(db, at(2))).toEqual([
      { employeeId: 'a', status: 'working', since: at(-3), lastActivityAt: at(1), roleId: 3, ...nothing },
      { employeeId: 'b', status: 'working', since: at(-3), lastActivityAt: at(2), roleId: 1, ...nothing },
    ])
    expect(await recalculate(db, at(13))).toMatchObject([{ status: 'idle' }, { status: 'idle', since: at(2) }])
    expect(await recalculate(db, at(13) + 1)).toEqual([])
  })

  it('is of those who have a shift or an activity that begins today, whatever they did yesterday', async () => {
    const db = await open({
      roleConfigs: roles,
      clockTimes: [
        shift(at(-4), at(6)),
        shift(at(20), at(30), { employee: 'b' }),
        shift(at(-4) - 1, null, { employee: 'c' }),
      ],
      activityLogs: [activity(at(2), at(3), { items: 5 }), activity(at(12), at(13), { employee: 'd' })],
    })
    expect(await recalculate(db, at(12))).toMatchObject([
      // The night shift is yesterday's, and so are its items.
      { employeeId: 'a', status: 'off', since: null, lastActivityAt: at(3), itemsToday: 0 },
      { employeeId: 'b', status: 'off', since: null, itemsToday: 0 },
      { employeeId: 'd', status: 'off', since: null, lastActivityAt: at(12), itemsToday: 1 },
    ])
  })

  it('sees a shift of yesterday when it counts the items of today', async () => {
    const db = await open({
      roleConfigs: roles,
      clockTimes: [shift(at(-14), at(10))],
      activityLogs: [activity(at(9), at(9, 30), { items: 5 }), activity(at(11), at(12), { items: 7 })],
    })
    expect(await recalculate(db, at(12))).toMatchObject([{ itemsToday: 7, pointsToday: 700, lastActivityAt: at(12) }])
  })
})
