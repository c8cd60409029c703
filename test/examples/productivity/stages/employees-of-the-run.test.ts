import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import { roles } from '../support/arbitraries.ts'
import { derivedPlainly } from '../support/derived-rows.ts'
import { allEngines } from './all-engines.ts'
import { activity, at, day, people, shift, tenantId, zone } from './june-17.ts'

const asOf = new Date(at(12))
const ids = ['a', 'b', 'c', 'd']

describe.each(await allEngines())('the stages behind the pass on $name', ({ open }) => {
  /** Everybody at work, and rows of everybody that are wrong. */
  async function outOfDate() {
    const db = await open({
      roleConfigs: roles,
      employees: people(...ids),
      clockTimes: ids.map((employee) => shift(at(8), null, { employee })),
      activityLogs: ids.map((employee) => activity(at(8), at(11, 59), { employee })),
    })
    const status = { since: 1, last_activity_at: 1, role_id: 9, items_today: 9, points_today: 9 }
    await db
      .insertInto('employee_current_status')
      .values(ids.map((employee_id) => ({ employee_id, status: 'idle' as const, ...status })))
      .execute()
    await db
      .insertInto('employee_primary_roles')
      .values(ids.map((employee_id) => ({ employee_id, role_id: 9, items: 9, as_of: '2020-01-01' })))
      .execute()
    const rightOf = async () => {
      const { primaryRoles, currentStatus } = await derivedPlainly(db)
      return {
        roles: primaryRoles.filter(({ roleId }) => roleId === 1).map(({ employeeId }) => employeeId),
        statuses: currentStatus.filter(({ roleId }) => roleId === 1).map(({ employeeId }) => employeeId),
        rows: [primaryRoles.length, currentStatus.length],
      }
    }
    return { db, rightOf, productivity: createProductivity(db, { zone, asOf }) }
  }

  it('touch the rows of the one employee whom a day or a range is about', async () => {
    const { productivity, rightOf } = await outOfDate()
    await productivity.triggerRecalc({ tenantId, employeeId: 'b', date: day })
    expect(await rightOf()).toEqual({ roles: ['b'], statuses: ['b'], rows: [4, 4] })
    await productivity.triggerRecalcRange({ tenantId, employeeId: 'd', from: day, to: '2025-06-18' })
    expect(await rightOf()).toEqual({ roles: ['b', 'd'], statuses: ['b', 'd'], rows: [4, 4] })
  })

  it('touch those of a batch, and with all everybody’s', async () => {
    const { productivity, rightOf } = await outOfDate()
    await productivity.triggerRecalcBatch({ tenantId, employeeIds: ['c', 'a', 'c'], from: day, to: day })
    expect(await rightOf()).toEqual({ roles: ['a', 'c'], statuses: ['a', 'c'], rows: [4, 4] })
    await productivity.triggerRecalcBatch({ tenantId, employeeIds: [], from: day, to: day })
    expect(await rightOf()).toMatchObject({ roles: ['a', 'c'] })
    await productivity.triggerRecalcAll({ tenantId, from: day, to: day })
    expect(await rightOf()).toEqual({ roles: ids, statuses: ids, rows: [4, 4] })
  })

  it('remove the rows of the employees whom a run is about, and leave the others', async () => {
    const { db, productivity, rightOf } = await outOfDate()
    await db.deleteFrom('clock_times').execute()
    await db.deleteFrom('activity_logs').execute()
    await productivity.triggerRecalc({ tenantId, employeeId: 'b', date: day })
    expect(await rightOf()).toMatchObject({ rows: [3, 3] })
    // Nobody has a row in the range; everybody is looked at even so.
    await productivity.triggerRecalcAll({ tenantId, from: day, to: day })
    expect(await rightOf()).toMatchObject({ rows: [0, 0] })
  })

  it('go through any number of employees, page by page', async () => {
    // In the order of their ids, so that the last one is on a page of their own.
    const many = Array.from({ length: 1_001 }, (_, number) => `E${String(number).padStart(4, '0')}`)
    const db = await open({
      roleConfigs: roles,
      employees: people(...many),
      activityLogs: many.map((employee) => activity(at(8), at(9), { employee })),
    })
    const productivity = createProductivity(db, { zone, asOf })
    const rows = async () => {
      const { primaryRoles, currentStatus } = await derivedPlainly(db)
      return [primaryRoles.length, currentStatus.length]
    }
    const asked = { tenantId, from: day, to: day }
    await productivity.triggerRecalcBatch({ ...asked, employeeIds: many.slice(0, 1_000) })
    expect(await rows()).toEqual([1_000, 1_000])
    await productivity.triggerRecalcAll(asked)
    expect(await rows()).toEqual([1_001, 1_001])
    await db.deleteFrom('activity_logs').execute()
    await productivity.triggerRecalcBatch({ ...asked, employeeIds: many.slice(1, 1_001) })
    expect(await rows()).toEqual([1, 1])
  })
})
