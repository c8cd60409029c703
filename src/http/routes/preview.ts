import { z } from 'zod'
import type { PreviewSummary } from '../../preview/preview-summary.ts'
import { named } from '../openapi/schemas/components.ts'
import { idField } from '../openapi/schemas/fields.ts'
import { recalculation } from '../openapi/schemas/recalculation.ts'
import type { ResolvedApiOptions } from '../options.ts'
import type { FoundDifferences, RecalcForApi } from '../recalc-for-api.ts'
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
\`{ "type": "summary", … }\`, which counts all of them, or \`{ "type": "error", "code", "message" }\` when it could not go on. A
value that has no JSON form is \`null\`, and \`not_told\` says why. With \`Accept: text/event-stream\` the same objects come as
server-sent events, named by their type. It ends when the client goes.`

const limit = z
  .int({ error: MOST_TOLD })
  .min(0, { error: MOST_TOLD })
  .max(1_000_000, { error: MOST_TOLD })
  .optional()
  .meta({ description: `How many differences to tell. Default ${DEFAULT_LIMIT}` })

const previewRequest = named(
  'PreviewRequest',
  recalculation.safeExtend({
    held: z.literal(false).optional().meta({ description: 'Left out: these days, whatever was noted of them' }),
    closed: z
      .enum(['skip', 'include', 'only'], { error: '"skip", "include" or "only"' })
      .optional()
      .meta({ description: 'What becomes of closed days. Default "skip": they are left as they are' }),
    limit,
  }),
  'What to preview',
)

const heldRequest = named(
  'HeldPreviewRequest',
  z.strictObject({
    held: z
      .literal(true)
      .meta({ description: 'What held changes would do once their days are open and they are released' }),
    tenant_id: idField('Whose changes'),
    employee_id: idField('Only this employee. Left out: everybody').optional(),
    limit,
  }),
  'Which held changes to preview',
)

const body = z.discriminatedUnion('held', [previewRequest, heldRequest], {
  error: ({ code }) => (code === 'invalid_union' ? 'true, or false or left out' : 'a JSON object'),
})

/** What a recalculation would change. */
export const previewRoute = route(
  {
    method: 'POST',
    path: '/preview',
    action: 'preview',
    name: 'preview',
    summary: 'What a recalculation, or the release of held changes, would do; nothing is written',
    body,
    answers: { 200: { description: DESCRIPTION, schema: z.string(), contentType: 'application/x-ndjson' } },
    problems: [404],
  },
  async (call) => {
    const { api, body, request } = call
    checkOwnTenant(call, body.tenant_id)
    const { limit = DEFAULT_LIMIT } = body
    const gone = new AbortController()
    const preview = previewOf(api.recalc, body, gone.signal)
    const isEvents = request.headers.get('Accept')?.includes('text/event-stream') === true
    return await foundLines(request, textsOf(linesOf(preview, limit, api.options), api.options, isEvents), {
      leave: () => gone.abort(),
      headers: { 'Content-Type': isEvents ? 'text/event-stream' : 'application/x-ndjson' },
    })
  },
)

function previewOf(recalc: RecalcForApi, asked: z.output<typeof body>, signal: AbortSignal): FoundDifferences {
  if (asked.held) {
    const { tenant_id: tenantId, employee_id: employeeId } = asked
    return recalc.preview({ held: true, tenantId, ...(employeeId !== undefined && { employeeId }) }, { signal })
  }
  const { tables, clear_existing: clearExisting, closed } = asked
  return recalc.preview(requestOf(asked), {
    ...(tables && { tables }),
    ...(clearExisting !== undefined && { clearExisting }),
    ...(closed && { closed }),
    signal,
  })
}

type PreviewLine = { readonly type: 'difference' | 'summary' } & Readonly<Record<string, unknown>>

async function* linesOf(
  preview: FoundDifferences,
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
