import { z } from 'zod'
import type { DayDifference } from '../../preview/difference.ts'
import type { PreviewSummary } from '../../preview/preview-summary.ts'
import { named } from '../openapi/schemas/components.ts'
import { recalculation } from '../openapi/schemas/recalculation.ts'
import type { ResolvedApiOptions } from '../options.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { requestOf } from '../request/recalculation-request.ts'
import { failureView } from '../response/result-view.ts'
import { foundLines } from '../stream/found-lines.ts'
import { textsOf } from '../stream/found-texts.ts'
import { route } from './route.ts'

/** Differences behind these are counted, and not told. */
const DEFAULT_LIMIT = 10_000

const MOST_TOLD = 'a whole number from 0 to 1000000'

const DESCRIPTION = `One JSON object per line, as they are found. \`{ "type": "difference", … }\` for each of the first \`limit\` differences; last
\`{ "type": "summary", … }\`, which counts all of them, or \`{ "type": "error", "code", "message" }\` when it could not go on. With
\`Accept: text/event-stream\` the same objects come as server-sent events, named by their type. It ends when the client goes.`

const previewRequest = named(
  'PreviewRequest',
  recalculation.safeExtend({
    closed: z
      .enum(['skip', 'include', 'only'], { error: '"skip", "include" or "only"' })
      .optional()
      .meta({ description: 'What becomes of closed days. Default "skip": they are left as they are' }),
    limit: z
      .int({ error: MOST_TOLD })
      .min(0, { error: MOST_TOLD })
      .max(1_000_000, { error: MOST_TOLD })
      .optional()
      .meta({ description: `How many differences to tell. Default ${DEFAULT_LIMIT}` }),
  }),
  'What to preview',
)

/** What a recalculation would change. */
export const previewRoute = route(
  {
    method: 'POST',
    path: '/preview',
    action: 'preview',
    name: 'preview',
    summary: 'What a recalculation would change; nothing is written',
    body: previewRequest,
    answers: { 200: { description: DESCRIPTION, schema: z.string(), contentType: 'application/x-ndjson' } },
    problems: [404],
  },
  async (call) => {
    const { api, body, request } = call
    checkOwnTenant(call, body.tenant_id)
    const { tables, clear_existing: clearExisting, closed, limit = DEFAULT_LIMIT } = body
    const gone = new AbortController()
    const preview = api.recalc.preview(requestOf(body), {
      ...(tables && { tables }),
      ...(clearExisting !== undefined && { clearExisting }),
      ...(closed && { closed }),
      signal: gone.signal,
    })
    const isEvents = request.headers.get('Accept')?.includes('text/event-stream') === true
    return await foundLines(request, textsOf(linesOf(preview, limit, api.options), api.options, isEvents), {
      leave: () => gone.abort(),
      headers: { 'Content-Type': isEvents ? 'text/event-stream' : 'application/x-ndjson' },
    })
  },
)

type PreviewLine = { readonly type: 'difference' | 'summary' } & Readonly<Record<string, unknown>>

async function* linesOf(
  preview: AsyncIterable<DayDifference> & { readonly summary: Promise<PreviewSummary> },
  limit: number,
  options: ResolvedApiOptions,
): AsyncGenerator<PreviewLine, undefined> {
  let told = 0
  for await (const { employeeId, date, period, stage, kind, before, after } of preview) {
    if (told >= limit) continue
    told += 1
    const where = period ? { start_date: period.from, end_date: period.to } : { start_date: date, end_date: date }
    yield { type: 'difference', employee_id: employeeId, ...where, stage, kind, before, after }
  }
  yield { type: 'summary', told, ...summaryView(await preview.summary, options) }
  return undefined
}

function summaryView(summary: PreviewSummary, { describeFailure }: ResolvedApiOptions) {
  const { days, changedDays, closedDays, failedDays, periods, inserts, updates, deletes, errors, totals, leftOut } =
    summary
  return {
    days,
    changed_days: changedDays,
    closed_days: closedDays,
    failed_days: failedDays,
    ...(periods && { periods }),
    inserts,
    updates,
    deletes,
    errors: errors.map((failure) => failureView(failure, describeFailure)),
    totals,
    left_out: leftOut,
  }
}
