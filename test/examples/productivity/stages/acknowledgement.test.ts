import { describe, expect, it } from 'vitest'
import { createProductivity } from '../../../../examples/productivity/productivity.ts'
import { createTables } from '../../../../examples/productivity/schema/migrations.ts'
import { type Database, INSTANTS, type Tables } from '../../../../examples/productivity/schema/tables.ts'
import { insertSources } from '../../../../examples/productivity/sources/insert-sources.ts'
import { withInstants } from '../../../../examples/shared/database/instants.ts'
import type { StatementHook } from '../../../support/crash-database.ts'
import { type Gate, gate } from '../../../support/gate.ts'
import { testDatabase } from '../../../support/mariadb.ts'
import { roles } from '../support/arbitraries.ts'
import { activity, at, day, people, shift, tenantId, zone } from './june-17.ts'

const database = await testDatabase()
const somebody = withInstants(database.kysely<Tables>({ dateStrings: true }), INSTANTS)
await createTables(somebody)
await insertSources(somebody, {
  employees: people('a'),
  roleConfigs: roles,
  payRates: [],
  clockTimes: [shift(at(8), at(11))],
  activityLogs: [activity(at(8), at(9)), activity(at(9, 20), at(11))],
})

/** The client of a service that stops behind the first statement that matches. */
function stoppingBehind(statement: RegExp): { readonly db: Database; readonly door: Gate } {
  const door = gate()
  let isPast = false
  const hook: StatementHook = async (sent, run) => {
    const result = await run()
    if (isPast || !statement.test(sent)) return result
    isPast = true
    await door.pass()
    return result
  }
  return { db: withInstants(database.kysely<Tables>({ dateStrings: true }, { hook }), INSTANTS), door }
}

const request = { tenantId, employeeId: 'a', date: day }

function acknowledge(acknowledged_by: string) {
  return somebody
    .updateTable('alerts')
    .set({ acknowledged_at: at(50), acknowledged_by })
    .execute()
}

async function becomes(severity: 'warning' | 'critical') {
  const window_start = severity === 'critical' ? at(9, 20) : at(9, 6)
  await somebody.updateTable('activity_logs').set({ window_start }).where('window_start', '>', at(9)).execute()
}

describe('an acknowledgement in the middle of a recalculation', () => {
  it('that changes the alert is kept when it comes between reading and writing', async () => {
    await becomes('critical')
    await createProductivity(somebody, { zone }).triggerRecalc(request)
    await becomes('warning')
    const { db, door } = stoppingBehind(/^select .* from `alerts`/)
    const recalculation = createProductivity(db, { zone }).triggerRecalc(request)
    await door.arrived
    await acknowledge('boss')
    door.open()
    await recalculation
    expect(await somebody.selectFrom('alerts').selectAll().execute()).toMatchObject([
      { severity: 'warning', message: 'Idle for 6 min, 5 min are usual here', acknowledged_by: 'boss' },
    ])
  })

  it('that changes the alert is kept when it comes between writing and committing', async () => {
    await becomes('critical')
    await createProductivity(somebody, { zone }).triggerRecalc(request)
    await becomes('warning')
    const { db, door } = stoppingBehind(/^\s*insert into `alerts`/)
    const recalculation = createProductivity(db, { zone }).triggerRecalc(request)
    await door.arrived
    const acknowledged = acknowledge('chief') // it waits for the row
    door.open()
    await Promise.all([recalculation, acknowledged])
    expect(await somebody.selectFrom('alerts').selectAll().execute()).toMatchObject([
      { severity: 'warning', acknowledged_by: 'chief' },
    ])
  })
})
