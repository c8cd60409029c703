import { z } from 'zod'
import type { Correction } from '../../preview/corrections/correction.ts'
import { dateField, idField } from '../openapi/schemas/fields.ts'
import type { ResolvedApiOptions } from '../options.ts'
import type { RecalcForApi } from '../recalc-for-api.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { failureView } from '../response/result-view.ts'
import { foundLines } from '../stream/found-lines.ts'
import { textsOf } from '../stream/found-texts.ts'
import { route } from './route.ts'

const DESCRIPTION = `One JSON object per line, as they are found: \`{ "type": "correction", "id", "employee_id", "start_date", "end_date", "stage",
"stored", "right", "taken", "difference" }\` for each, last \`{ "type": "summary", … }\`, or \`{ "type": "error", "code", "message" }\` when it
could not go on. With \`Accept: text/csv\` it is CSV, a row for each numeric field. It ends when the client goes.`

/** What closed days and periods still owe. */
export const correctionsRoute = route(
  {
    method: 'GET',
    path: '/corrections',
    action: 'corrections',
    name: 'corrections',
    summary: 'What closed days and periods owe that nobody has taken over yet; nothing is written',
    query: z.strictObject({
      tenant_id: idField('Whose data'),
      start_date: dateField('The first day'),
      end_date: dateField('The last day, inclusive'),
      employee_id: idField('Only of this employee').optional(),
    }),
    answers: { 200: { description: DESCRIPTION, schema: z.string(), contentType: 'application/x-ndjson' } },
    problems: [404],
  },
  async (call) => {
    const { api, request } = call
    const { tenant_id: tenantId, start_date: from, end_date: to, employee_id: employeeId } = call.query
    checkOwnTenant(call, tenantId)
    const gone = new AbortController()
    const own = employeeId === undefined ? {} : { employeeIds: [employeeId] }
    const corrections = api.recalc.corrections({ tenantId, from, to, ...own }, { signal: gone.signal })
    const isCsv = request.headers.get('Accept')?.includes('text/csv') === true
    const pieces = isCsv
      ? withoutResult(corrections.csv())
      : textsOf(linesOf(corrections, api.options), api.options, false)
    const csv = {
      'Content-Type': 'text/csv; charset=utf-8; header=present',
      'Content-Disposition': `attachment; filename="corrections-${from}-${to}.csv"`,
    }
    return await foundLines(request, pieces, {
      leave: () => gone.abort(),
      headers: isCsv ? csv : { 'Content-Type': 'application/x-ndjson' },
    })
  },
)

async function* withoutResult(pieces: AsyncIterable<string>): AsyncGenerator<string, undefined> {
  yield* pieces
  return undefined
}

async function* linesOf(corrections: ReturnType<RecalcForApi['corrections']>, { describeFailure }: ResolvedApiOptions) {
  for await (const correction of corrections) yield { type: 'correction', ...correctionView(correction) }
  const summary = await corrections.summary
  yield {
    type: 'summary',
    corrections: summary.corrections,
    totals: summary.totals,
    failed_days: summary.failedDays,
    failed_periods: summary.failedPeriods,
    errors: summary.errors.map((failure) => failureView(failure, describeFailure)),
  }
}

function correctionView({ id, employeeId, date, period, stage, stored, right, taken, difference }: Correction) {
  const where = period ? { start_date: period.from, end_date: period.to } : { start_date: date, end_date: date }
  return { id, employee_id: employeeId, ...where, stage, stored, right, taken, difference }
}
