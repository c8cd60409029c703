import { expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '../../../examples/shared/random.ts'
import type { Database } from '../../../examples/timesheet/schema/tables.ts'
import { runs } from '../../support/runs.ts'
import { seed } from '../../support/seed.ts'
import { deriveAll } from './oracle/derive.ts'
import { type Scenario, scenarioOf } from './oracle/scenario.ts'
import { dateAt, nextDate } from './oracle/zone.ts'
import { companyIn, derivedRows, fillOffice, office, openOffice, openServers, TENANT } from './support/office.ts'
import { paths } from './support/paths.ts'

const COMPANIES = runs(1, 3)

const SHAPES = [
  { employees: 25, days: 31 },
  { employees: 1, days: 1 },
  { employees: 2, days: 4 },
  { employees: 3, days: 17 },
]

const servers = await openServers()

test.each([
  ['SQLite', COMPANIES, openOffice],
  ['MariaDB', Math.ceil(COMPANIES / 3), async () => servers.MariaDB],
  ['PostgreSQL', Math.ceil(COMPANIES / 3), async () => servers.PostgreSQL],
] as const)(
  'every way of calculating, in blocks of any shape, leaves the same rows on %s',
  async (name, count, open) => {
    const db = await open()
    if (name === 'SQLite') onTestFinished(() => db.destroy())
    for (let number = 0; number < count; number++) {
      const scenario = absentScenario(seed + 50_000 + 100 * number)
      let [right, rightWhileClosed] = [undefined, undefined] as [unknown, unknown]
      for (const [i, path] of Object.keys(paths).entries()) {
        const block = SHAPES[(i + number) % SHAPES.length]!
        const where = `company ${scenario.seed}, ${path}, ${JSON.stringify(block)}`
        await fillOffice(db, scenario.company)
        await calculate(db, scenario, path, block, async () => {})
        right ??= deriveAll(scenario.company, scenario.zone, scenario.now)
        expect({ where, rows: await derivedRows(db) }).toEqual({ where, rows: right })

        const closed = await closeMonths(db, scenario)
        const before = await rowsOfMonths(db, closed)
        await calculate(db, scenario, path, block, () => editSources(db, scenario))
        const rows = await derivedRows(db)
        rightWhileClosed ??= rows
        expect({ where, rows }).toEqual({ where, rows: rightWhileClosed })
        expect({ where, closed: await rowsOfMonths(db, closed) }).toEqual({ where, closed: before })

        await db.deleteFrom('closed_months').execute()
        await calculate(db, scenario, 'all', block, async () => {})
        await settleHeld(db, scenario)
        const afresh = deriveAll(await companyIn(db), scenario.zone, scenario.now)
        expect({ where, rows: await derivedRows(db) }).toEqual({ where, rows: afresh })
      }
    }
  },
  600_000,
)

/** A company in which somebody is absent, so that it cannot be calculated without the kinds of absence. */
function absentScenario(first: number): Scenario & { readonly seed: number } {
  for (let own = first; ; own++) {
    const scenario = scenarioOf(own)
    const isEmployed = scenario.company.employees.every(({ entry_date }) => entry_date < nextDate(scenario.today, -5))
    if (scenario.company.absences.length > 1 && isEmployed) return { ...scenario, seed: own }
  }
}

async function calculate(
  db: Database,
  { zone, now, today, company }: Scenario,
  path: string,
  block: (typeof SHAPES)[number],
  edit: () => Promise<void>,
): Promise<void> {
  const timesheet = office(db, zone, now, block)
  const employees = company.employees.map(({ id }) => id)
  const from = company.employees.map(({ entry_date }) => entry_date).sort()[0] as string
  await paths[path]?.({
    ...{ db, timesheet, employees, from, to: today },
    // Nothing has been noted of what is there when it begins.
    edit: async () => {
      await edit()
      if (path === 'settled, noted by triggers') {
        await db
          .updateTable('employees')
          .set((row) => ({ flextime_start: row('flextime_start', '+', 1) }))
          .execute()
        await db
          .updateTable('employees')
          .set((row) => ({ flextime_start: row('flextime_start', '-', 1) }))
          .execute()
      }
    },
  })
  await timesheet.stop()
}

/** What was held for closed months, and what a run has noted behind its days: nothing is left. */
async function settleHeld(db: Database, { zone, now }: Scenario): Promise<void> {
  const timesheet = office(db, zone, now)
  await timesheet.releaseHeld({ tenantId: TENANT })
  await timesheet.settle({ tenantId: TENANT })
  const freshness = await timesheet.freshness()
  expect(freshness).toMatchObject({ changes: 0, held: 0, failing: 0 })
  await timesheet.stop()
}

async function closeMonths(db: Database, { company, today }: Scenario): Promise<readonly string[]> {
  const [employee] = company.employees
  const month = nextDate(today, -Number(today.slice(8))).slice(0, 7)
  const months = [`${employee?.id} ${month}`]
  await db
    .insertInto('closed_months')
    .values({ employee_id: String(employee?.id), month })
    .execute()
  return months
}

/** The days and months of what is closed, as they are. */
async function rowsOfMonths(db: Database, closed: readonly string[]): Promise<unknown> {
  const { daily_values, daily_errors, monthly_values } = await derivedRows(db)
  const isOfClosed = (row: { employee_id: string; work_date: string }) =>
    closed.includes(`${row.employee_id} ${row.work_date.slice(0, 7)}`)
  return {
    days: daily_values.filter(isOfClosed),
    errors: daily_errors.filter(isOfClosed),
    months: monthly_values.filter(({ employee_id, month }) => closed.includes(`${employee_id} ${month}`)),
  }
}

async function editSources(
  db: Database,
  { company, now, zone, seed: own }: Scenario & { seed?: number },
): Promise<void> {
  const random = seededRandom(own ?? 1)
  const bookings = company.bookings.filter(() => random.percent(25))
  for (const { id, at } of bookings) {
    await db
      .updateTable('bookings')
      .set({ at: at + random.integer(-40, 40) * 60_000 })
      .where('id', '=', id)
      .execute()
  }
  await db
    .updateTable('employees')
    .set({ flextime_start: random.integer(-100, 100) })
    .execute()
  const date = dateAt(now - 9 * 86_400_000, zone)
  await db.deleteFrom('holidays').where('date', '=', date).execute()
  await db.insertInto('holidays').values({ date, name: 'Holiday', credit_percent: 100 }).execute()
}
