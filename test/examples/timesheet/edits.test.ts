import { expect, onTestFinished, test } from 'vitest'
import { seededRandom } from '../../../examples/shared/random.ts'
import { capturedSources } from '../../../examples/timesheet/captured-sources.ts'
import { Edits } from '../../../examples/timesheet/edits.ts'
import type { Database } from '../../../examples/timesheet/schema/tables.ts'
import { installCapture, uninstallCapture } from '../../../src/sql/index.ts'
import { runs } from '../../support/runs.ts'
import { seed } from '../../support/seed.ts'
import { deriveAll } from './oracle/derive.ts'
import { scenarioOf } from './oracle/scenario.ts'
import { dateAt, nextDate } from './oracle/zone.ts'
import { companyIn, derivedRows, fillOffice, office, openOffice, TENANT } from './support/office.ts'

const COMPANIES = runs(10, 40)
const EDITS = 12
test.each(['hooks', 'capture'])(
  'edits through %s, with months closed and reopened, end in what is derived afresh',
  async (way) => {
    const db = await openOffice()
    onTestFinished(() => db.destroy())
    for (let i = 0; i < COMPANIES; i++) {
      const scenario = scenarioOf(seed + 1_000_003 + i)
      const { zone, now, today } = scenario
      const random = seededRandom(seed + i)
      await fillOffice(db, scenario.company)
      const timesheet = office(db, zone, now)
      const request = { tenantId: TENANT, from: nextDate(today, -80), to: today }
      await timesheet.triggerRecalcAll(request)
      if (way === 'capture') await installCapture(db, capturedSources(TENANT))
      const edits = new Edits(db, timesheet, TENANT)
      const employees = scenario.company.employees.map(({ id }) => id) as [string, ...string[]]
      const months = [...new Set([nextDate(today, -30), today].map((date) => date.slice(0, 7)))]
      const around = () => nextDate(today, -random.integer(0, 32))
      const bookings = await db.selectFrom('bookings').select('id').execute()
      const absences = await db.selectFrom('absences').select('id').execute()
      const closed = new Set<string>()
      let id = 100_000
      const made: string[] = []
      for (let edit = 0; edit < EDITS; edit++) {
        const employee_id = random.pick(employees)
        const at = now - random.integer(0, 30 * 86_400_000)
        const what = random.integer(0, 7)
        made.push(`${what} ${employee_id}`)
        if (what === 0) await edits.addBooking({ id: id++, employee_id, at, kind: random.pick(['come', 'go']) })
        else if (what === 1 && bookings.length > 0) {
          const [booking] = bookings.splice(random.integer(0, bookings.length - 1), 1)
          await edits.deleteBooking(booking!.id)
        } else if (what === 2 && bookings.length > 0) {
          const booking = bookings[random.integer(0, bookings.length - 1)]!
          await edits.changeBooking(booking.id, { at, employee_id })
        } else if (what === 3) {
          const from = around()
          const to = nextDate(from, random.integer(0, 3))
          const kind = random.pick(['vacation', 'sick'])
          await edits.addAbsence({ id: id++, employee_id, from_date: from, to_date: to, kind, half_day: 0 })
        } else if (what === 4 && absences.length > 0) await edits.deleteAbsence(absences.pop()!.id)
        else if (what === 5) await addHoliday(db, edits, around())
        else if (what === 6) {
          const month = random.pick(months as [string, ...string[]])
          const key = `${employee_id} ${month}`
          if (closed.delete(key)) await edits.reopenMonth(employee_id, month)
          else {
            closed.add(key)
            await edits.closeMonth(employee_id, month)
          }
        }
        if (random.percent(50)) await timesheet.settle({ tenantId: TENANT })
      }
      await timesheet.settle({ tenantId: TENANT })
      expect(await heldOutside(timesheet, closed)).toEqual([])
      for (const key of closed) await edits.reopenMonth(...(key.split(' ') as [string, string]))
      await timesheet.settle({ tenantId: TENANT })
      const where = `company ${seed + 1_000_003 + i}: ${made.join(', ')}`
      expect({ where, ...(await timesheet.freshness()) }).toMatchObject({ where, changes: 0, failing: 0, held: 0 })
      expect({ where, ...(await derivedRows(db)) }).toEqual({ where, ...deriveAll(await companyIn(db), zone, now) })
      if (way === 'capture') await uninstallCapture(db)
      await timesheet.stop()
    }
  },
)

test('a change to a closed month is held, and nothing of the month is written until it is open again', async () => {
  const db = await openOffice()
  onTestFinished(() => db.destroy())
  const scenario = scenarioOf(7)
  const { zone, now, today } = scenario
  const employee = { ...scenario.company.employees[0]!, entry_date: nextDate(today, -70), exit_date: null }
  await fillOffice(db, { ...scenario.company, employees: [employee] })
  const timesheet = office(db, zone, now)
  onTestFinished(() => timesheet.stop())
  await timesheet.triggerRecalcAll({ tenantId: TENANT, from: employee.entry_date, to: today })
  const edits = new Edits(db, timesheet, TENANT)
  const at = now - 45 * 86_400_000
  const month = dateAt(at, zone).slice(0, 7)
  await edits.closeMonth(employee.id, month)
  const before = await derivedRows(db)
  const ofMonth = ({ daily_values, monthly_values }: typeof before) => ({
    days: daily_values.filter((row) => row.work_date.startsWith(month)),
    months: monthly_values.filter((row) => row.month === month),
  })

  await edits.addBooking({ id: 999_999, employee_id: employee.id, at, kind: 'come' })
  await timesheet.settle({ tenantId: TENANT })
  expect(ofMonth(await derivedRows(db))).toEqual(ofMonth(before))
  expect((await timesheet.freshness()).held).toBeGreaterThan(0)

  await edits.reopenMonth(employee.id, month)
  await timesheet.settle({ tenantId: TENANT })
  expect((await timesheet.freshness()).held).toBe(0)
  expect(await derivedRows(db)).toEqual(deriveAll(await companyIn(db), zone, now))
  expect(ofMonth(await derivedRows(db))).not.toEqual(ofMonth(before))
})

/** Held days of whom and which month, that are in no closed month. */
async function heldOutside(
  timesheet: ReturnType<typeof office>,
  closed: ReadonlySet<string>,
): Promise<readonly string[]> {
  const found: string[] = []
  for (let after = 0; ; ) {
    const page = await timesheet.listDirty({ tenantId: TENANT, state: 'held', after, limit: 1_000 })
    for (const { employeeId, content } of page) {
      if (!('days' in content)) found.push(JSON.stringify(content))
      else for (let day = content.days[0]; day <= content.days[1]; day++) found.push(`${employeeId} ${monthOf(day)}`)
    }
    const last = page.at(-1)
    if (!last) return found.filter((key) => !closed.has(key))
    after = last.id
  }
}

function monthOf(epochDay: number): string {
  return new Date(epochDay * 86_400_000).toISOString().slice(0, 7)
}

async function addHoliday(db: Database, edits: Edits, date: string): Promise<void> {
  const found = await db.selectFrom('holidays').select('date').where('date', '=', date).executeTakeFirst()
  if (!found) await edits.addHoliday({ date, name: 'Holiday', credit_percent: 100 })
}
