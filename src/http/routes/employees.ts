import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { countField, idField, wholeNumberField } from '../openapi/schemas/fields.ts'
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
        failed: z.array(
          z.strictObject({
            date: z.string().meta({ format: 'date' }),
            stage: z.string(),
            code: z.string(),
            message: z.string(),
          }),
        ),
        blocked_from: z
          .string()
          .nullable()
          .meta({ format: 'date', description: 'This date and later ones wait behind a failed day' }),
      }),
    ),
    next: z.string().nullable().meta({ description: 'What to ask for with `after`; null on the last page' }),
  }),
  'How far each employee of a job is',
)

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
      limit: wholeNumberField('How many. Default 100', { least: 1, most: 200 }).optional(),
    }),
    answers: { 200: { description: 'A page of employees', schema: employeePage } },
  },
  async (call) => {
    const { recalc, options } = call.api
    const { after, limit = 100 } = call.query
    const job = await ownJob(call)
    const found = await recalc.listJobEmployees(job.id, { ...(after !== undefined && { after }), limit: limit + 1 })
    const page = found.slice(0, limit)
    const employees = page.map((employee) => ({
      employee_id: employee.id,
      name: employee.name,
      dates_done: employee.datesDone,
      failed: employee.failures.map(({ date, stage, code, message }) => {
        return { date, stage, code, message: options.describeFailure({ code, message }) }
      }),
      blocked_from: employee.blockedFrom,
    }))
    const next = found.length <= limit ? null : (page.at(-1)?.id ?? null)
    return json({ start_date: job.from, end_date: job.to, employees, next })
  },
)
