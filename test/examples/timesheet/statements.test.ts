import type { LogEvent } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { generateSources } from '../../../examples/timesheet/sources/generate.ts'
import { insertSources } from '../../../examples/timesheet/sources/insert-sources.ts'
import { addDays, dateOf } from '../../../src/index.ts'
import { office, openOffice, openServers, TENANT } from './support/office.ts'

const ZONE = 'Europe/Berlin'
const NOW = Date.parse('2025-05-30T12:00:00Z')
const DAYS = 120

/** Rows that one statement carries at most. */
const PER_STATEMENT = 500

let statements: string[] = []
const log = ({ query }: LogEvent) => void statements.push(query.sql)
const servers = await openServers(log)

const engines = [
  ['SQLite', await openOffice(log)],
  ['MariaDB', servers.MariaDB],
  ['PostgreSQL', servers.PostgreSQL],
] as const

describe.each(engines)('what a block of the timesheet costs in statements on %s', (_, db) => {
  beforeAll(async () => {
    await insertSources(db, generateSources({ zone: ZONE, now: NOW, days: DAYS, employees: 100, seed: 3 }))
  })

  async function ofBlock(employees: number, days: number) {
    for (const table of ['daily_values', 'daily_errors', 'work_time_averages', 'monthly_values'] as const) {
      await db.deleteFrom(table).execute()
    }
    const ids = await db.selectFrom('employees').select('id').orderBy('id').limit(employees).execute()
    const timesheet = office(db, ZONE, NOW, { employees, days })
    const to = dateOf(new Date(NOW), ZONE)
    const request = { tenantId: TENANT, employeeIds: ids.map(({ id }) => id), from: addDays(to, 1 - days), to }
    const calculate = async () => {
      statements = []
      await timesheet.triggerRecalcBatch(request)
      return statements
    }
    const first = await calculate()
    const again = await calculate()
    await timesheet.stop()
    const isRead = (statement: string) => /^\s*select/i.test(statement)
    return {
      reads: first.filter(isRead).length,
      writes: first.filter((statement) => !isRead(statement)).length,
      again: again.length,
      isWritingAgain: again.some(
        (statement) => /daily_values|daily_errors|averages|monthly/.test(statement) && !isRead(statement),
      ),
    }
  }

  test.each([
    [100, 10],
    [10, 100],
  ])(
    '%i people and %i days cost as many as 10 and 10, but for bulk statements of 500 rows',
    async (employees, days) => {
      const few = await ofBlock(10, 10)
      const many = await ofBlock(employees, days)
      expect(many.reads).toBe(few.reads)
      const rows = employees * days
      // Days, their errors and their averages.
      expect(many.writes - few.writes).toBeLessThanOrEqual((3 * rows) / PER_STATEMENT)
      expect(many.again).toBe(few.again)
      expect(many.isWritingAgain).toBe(false)
    },
  )
})
