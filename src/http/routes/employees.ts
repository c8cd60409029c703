import { z } from 'zod'
import { countDays } from '../../calendar/date-range.ts'
import type { JobSnapshot } from '../../jobs/job-snapshot.ts'
import { named } from '../openapi/schemas/components.ts'
import { countField, dateField, idField, wholeNumberField } from '../openapi/schemas/fields.ts'
import { ownJob } from '../request/own-job.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

const employeePage = named(
  'EmployeePage',
  z.strictObject({
    start_date: z.string().meta({ format: 'date' }),
    end_date: z.string().meta({ format: 'date', description: 'Inclusive' }),
    employees: z.array(
      z.strictObject({
        employee_id: z.string(),
        name: z.string().nullable(),
        dates_done: countField('How many of the dates, from the first, are dealt with'),
        failed_dates: z.array(z.string().meta({ format: 'date' })).meta({
          description: 'Ascending; what failed there is at /errors/{job_id}?employee_id=',
        }),
        blocked_from: z
          .string()
          .nullable()
          .meta({ format: 'date', description: 'This date and later ones wait behind a failed day' }),
        closed: z
          .array(z.strictObject({ from: dateField('The first closed date'), to: dateField('Inclusive') }))
          .nullable()
          .meta({
            description:
              'The dates that are closed by now, in a job that has left closed days alone; null when that could not be found out',
          }),
      }),
    ),
    next: z.string().nullable().meta({
      description: 'What to ask for with `after`; null on the last page, which alone tells that nobody follows',
    }),
  }),
  'How far each employee of a job is',
)

/** The most failures that are read for a page. A single employee's days may be more. */
const MAX_FAILURES = 5_000

/** How many employees a page holds, so that it stays small when everything fails. */
function pageSize({ errorCount, from, to }: JobSnapshot, limit: number): number {
  if (errorCount <= MAX_FAILURES) return limit
  return Math.min(limit, Math.max(1, Math.floor(MAX_FAILURES / countDays(from, to))))
}

/** How far each employee is. */
export const employeesRoute = route(
  {
    method: 'GET',
    path: '/employees/:job_id',
    action: 'read',
    name: 'employees',
    summary: 'How far each employee is, in the job’s order',
    query: z.strictObject({
      after: idField('An employee: only later ones').optional(),
      limit: wholeNumberField('The most of them, fewer where very many days failed. Default 100', {
        least: 1,
        most: 200,
      }).optional(),
    }),
    answers: { 200: { description: 'A page of employees', schema: employeePage } },
  },
  async (call) => {
    const { recalc } = call.api
    const { after, limit: most = 100 } = call.query
    const job = await ownJob(call)
    const limit = pageSize(job, most)
    const found = await recalc.listJobEmployees(job.id, { ...(after !== undefined && { after }), limit: limit + 1 })
    const page = found.slice(0, limit)
    const employees = page.map((employee) => ({
      employee_id: employee.id,
      name: employee.name,
      dates_done: employee.datesDone,
      failed_dates: employee.failures.map(({ date }) => date),
      blocked_from: employee.blockedFrom,
      closed: employee.closed,
    }))
    const next = found.length <= limit ? null : (page.at(-1)?.id ?? null)
    return json({ start_date: job.from, end_date: job.to, employees, next })
  },
)
