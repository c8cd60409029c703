import { expect, onTestFinished, test } from 'vitest'
import { seed } from '../../support/seed.ts'
import { deriveAll } from './oracle/derive.ts'
import { scenarioOf } from './oracle/scenario.ts'
import { nextDate } from './oracle/zone.ts'
import { derivedRows, fillOffice, office, openOffice, openServers, TENANT } from './support/office.ts'

/** More for a long look: the days of a company take some milliseconds. */
const COMPANIES = Number(process.env.RECALC_TEST_TIMESHEETS ?? 200)

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
      if (from <= today) await timesheet.triggerRecalcAll({ tenantId: TENANT, from, to: nextDate(today) })
      await timesheet.stop()
      const where = `company ${seed + i}`
      expect({ where, ...(await derivedRows(db)) }).toEqual({ where, ...deriveAll(company, zone, now) })
    }
  },
)
