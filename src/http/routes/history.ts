import { z } from 'zod'
import type { HistoryEntry } from '../../run/history/history-store.ts'
import { named } from '../openapi/schemas/components.ts'
import { dateField, idField, instantField, wholeNumberField } from '../openapi/schemas/fields.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { json } from '../response/json.ts'
import { invalidRequest } from '../response/problem.ts'
import { route } from './route.ts'

const value = z.unknown().meta({ description: 'As JSON; null: no row' })

const historyPage = named(
  'HistoryPage',
  z.strictObject({
    entries: z.array(
      z.strictObject({
        id: z.string(),
        employee_id: z.string(),
        stage: z.string(),
        start_date: z.string().meta({ format: 'date', description: 'The day, or the first day of the period' }),
        end_date: z.string().meta({ format: 'date', description: 'Inclusive' }),
        before: value,
        before_known: z.boolean().meta({ description: 'False: nobody knows what was there' }),
        after: value,
        not_kept: z.string().nullable().meta({ description: 'Why before and after are not kept; null: they are' }),
        at: instantField('When it was calculated'),
        run_id: z.string(),
        job_id: z.string().nullable(),
        kind: z.enum(['day', 'range', 'batch', 'all', 'settle']),
        reason: z.string().nullable(),
        actor: z.string().nullable().meta({ description: 'Who asked for it' }),
        tables: z.array(z.string()).meta({ description: 'Which tables had changed, as far as that is known' }),
      }),
    ),
    next: z.string().nullable().meta({ description: 'What to ask for with `after`; null on the last page' }),
  }),
  'What runs have changed, newest first',
)

/** What runs have changed. */
export const historyRoute = route(
  {
    method: 'GET',
    path: '/history',
    action: 'history',
    name: 'history',
    summary: 'What was changed of some days of an employee, or by one run, newest first',
    query: z.strictObject({
      tenant_id: idField('Whose data'),
      employee_id: idField('Whose days; with start_date and end_date').optional(),
      start_date: dateField('The first day').optional(),
      end_date: dateField('The last day, inclusive').optional(),
      run_id: idField('The id of a job, or the run_id of an entry; instead of employee_id and the dates').optional(),
      after: idField('The id of an entry: only what was changed before it').optional(),
      limit: wholeNumberField('How many. Default 100', { least: 1, most: 500 }).optional(),
    }),
    answers: { 200: { description: 'A page of the history', schema: historyPage } },
  },
  async (call) => {
    const { tenant_id: tenantId, after, limit = 100 } = call.query
    checkOwnTenant(call, tenantId)
    const page = { tenantId, limit: limit + 1, ...(after !== undefined && { after }) }
    const found = await call.api.recalc.history({ ...page, ...whichOf(call.query) })
    const entries = found.slice(0, limit)
    return json({ entries: entries.map(entryView), next: found.length <= limit ? null : (entries.at(-1)?.id ?? null) })
  },
)

function whichOf(query: {
  readonly employee_id?: string | undefined
  readonly start_date?: string | undefined
  readonly end_date?: string | undefined
  readonly run_id?: string | undefined
}) {
  const { employee_id: employeeId, start_date: from, end_date: to, run_id: runId } = query
  if (runId !== undefined && employeeId === undefined && from === undefined && to === undefined) return { runId }
  if (runId === undefined && employeeId !== undefined && from !== undefined && to !== undefined) {
    return { employeeId, from, to }
  }
  const message = 'Expected employee_id, start_date and end_date, or run_id alone'
  throw invalidRequest([{ field: runId === undefined ? 'employee_id' : 'run_id', message }])
}

function entryView({ id, employeeId, stage, date, through, run, at, ...entry }: HistoryEntry) {
  return {
    id,
    employee_id: employeeId,
    stage,
    start_date: date,
    end_date: through,
    before: entry.before,
    before_known: entry.isBeforeKnown,
    after: entry.after,
    not_kept: entry.notKept,
    at: at.toISOString(),
    run_id: run.id,
    job_id: run.jobId,
    kind: run.kind,
    reason: run.reason,
    actor: run.actor,
    tables: entry.tables,
  }
}
