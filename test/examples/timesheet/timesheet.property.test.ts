import { expect, onTestFinished, test } from 'vitest'
import { runs } from '../../support/runs.ts'
import { seed } from '../../support/seed.ts'
import { deriveAll } from './oracle/derive.ts'
import { scenarioOf } from './oracle/scenario.ts'
import { nextDate } from './oracle/zone.ts'
import { derivedRows, fillOffice, office, openOffice, openServers, TENANT } from './support/office.ts'

const COMPANIES = runs(50, 200)

/** A company in Apia at the end of 2011, where nobody had a 30 December. */
const SKIPPED_DAY = 863_567

const servers = await openServers()

/** On servers a fifth of them. */
const cases = [
  ['SQLite', COMPANIES, openOffice],
  ['MariaDB', Math.ceil(COMPANIES / 5), async () => servers.MariaDB],
  ['PostgreSQL', Math.ceil(COMPANIES / 5), async () => servers.PostgreSQL],
] as const

test.each(cases)(
  'the service writes on %s what the second implementation derives, in %i companies',
  async (name, companies, open) => {
    const db = await open()
    if (name === 'SQLite') onTestFinished(() => db.destroy())
    for (let i = 0; i < companies; i++) {
      const { company, zone, now, today } = scenarioOf(seed + i)
      await fillOffice(db, company)
      const timesheet = office(db, zone, now, { employees: 1 + (i % 3), days: [31, 1, 4, 9][i % 4]! })
      const from = company.employees.map((one) => one.entry_date).sort()[0]!
      // Where the zone has skipped today's date, it is the next one already.
      const to = nextDate(today)
      if (from <= to) await timesheet.triggerRecalcAll({ tenantId: TENANT, from, to })
      await timesheet.stop()
      const where = `company ${seed + i}`
      expect({ where, ...(await derivedRows(db)) }).toEqual({ where, ...deriveAll(company, zone, now) })
    }
  },
)

test('a day behind one that its zone skipped knows the rest before it, in blocks of any length', async () => {
  const found = []
  for (const days of [1, 31]) {
    const db = await openOffice()
    onTestFinished(() => db.destroy())
    const { company, zone, now, today } = scenarioOf(SKIPPED_DAY)
    await fillOffice(db, company)
    const timesheet = office(db, zone, now, { employees: 1, days })
    const from = company.employees.map((one) => one.entry_date).sort()[0]!
    await timesheet.triggerRecalcAll({ tenantId: TENANT, from, to: nextDate(today) })
    await timesheet.stop()
    found.push((await derivedRows(db)).daily_errors)
  }
  expect(found[0]).toContainEqual({ employee_id: 'ben', work_date: '2011-12-31', code: 'REST_PERIOD' })
  expect(found[0]).toEqual(found[1])
})
