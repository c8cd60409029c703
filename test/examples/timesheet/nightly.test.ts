import { expect, onTestFinished, test } from 'vitest'
import { runNightly } from '../../../examples/timesheet/nightly.ts'
import type { Company } from './oracle/company.ts'
import { deriveAll } from './oracle/derive.ts'
import { scenarioOf } from './oracle/scenario.ts'
import { derivedRows, fillOffice, office, openOffice, TENANT } from './support/office.ts'

const zone = 'America/New_York'

test('the night after, yesterday is over in the zone of the tenant, and today has a row', async () => {
  const db = await openOffice()
  onTestFinished(() => db.destroy())
  const { company: some } = scenarioOf(1)
  const [employee] = some.employees
  const company: Company = {
    ...some,
    employees: [{ ...employee!, entry_date: '2025-03-05', exit_date: null }],
    bookings: [{ id: 1, employee_id: employee!.id, at: Date.parse('2025-03-10T13:00:00Z'), kind: 'come' }],
  }
  await fillOffice(db, company)
  const evening = Date.parse('2025-03-10T23:00:00Z')
  const day = office(db, zone, evening)
  await day.triggerRecalcAll({ tenantId: TENANT, from: '2025-03-05', to: '2025-03-10' })
  await day.stop()
  expect((await derivedRows(db)).daily_errors.map(({ code }) => code)).not.toContain('MISSING_GO')

  // Long after midnight in UTC, but not yet in New York, and then after midnight there.
  for (const now of ['2025-03-11T03:59:00Z', '2025-03-11T04:10:00Z'].map((at) => Date.parse(at))) {
    const night = office(db, zone, now)
    await (await runNightly(night, { tenantId: TENANT, zone, now: new Date(now) })).result
    await night.stop()
    expect(await derivedRows(db)).toEqual(deriveAll(company, zone, now))
  }
  const { daily_errors, daily_values } = await derivedRows(db)
  expect(daily_errors.map(({ code }) => code)).toContain('MISSING_GO')
  expect(daily_values.at(-1)?.work_date).toBe('2025-03-11')
})
