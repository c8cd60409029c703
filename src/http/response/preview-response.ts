import { z } from 'zod'
import type { DayDifference } from '../../preview/difference.ts'
import type { PreviewSummary } from '../../preview/preview-summary.ts'
import type { ResolvedApiOptions } from '../options.ts'
import { foundLines } from '../stream/found-lines.ts'
import { textsOf } from '../stream/found-texts.ts'
import { failureView } from './result-view.ts'

/** Differences behind these are counted, and not told. */
const DEFAULT_LIMIT = 10_000

const MOST_TOLD = 'a whole number from 0 to 1000000'

/** How much a client wants to hear of a preview. */
export const toldLimit = z
  .int({ error: MOST_TOLD })
  .min(0, { error: MOST_TOLD })
  .max(1_000_000, { error: MOST_TOLD })
  .optional()
  .meta({ description: `How many differences to tell. Default ${DEFAULT_LIMIT}` })

const DESCRIPTION = `One JSON object per line, as they are found. \`{ "type": "difference", … }\` for each of the first \`limit\` differences; last
\`{ "type": "summary", … }\`, which counts all of them, or \`{ "type": "error", "code", "message" }\` when it could not go on. With
\`Accept: text/event-stream\` the same objects come as server-sent events, named by their type. It ends when the client goes.`

/** What the routes of previews answer. */
export const previewAnswers = {
  200: { description: DESCRIPTION, schema: z.string(), contentType: 'application/x-ndjson' },
} as const

/** Tells a preview while it goes on, in the form that the client takes. */
export async function previewResponse(
  request: Request,
  preview: (signal: AbortSignal) => FoundPreview,
  { limit = DEFAULT_LIMIT, options }: { readonly limit: number | undefined; readonly options: ResolvedApiOptions },
): Promise<Response> {
  const gone = new AbortController()
  const isEvents = request.headers.get('Accept')?.includes('text/event-stream') === true
  return await foundLines(request, textsOf(linesOf(preview(gone.signal), limit, options), options, isEvents), {
    leave: () => gone.abort(),
    headers: { 'Content-Type': isEvents ? 'text/event-stream' : 'application/x-ndjson' },
  })
}

type FoundPreview = AsyncIterable<DayDifference> & { readonly summary: Promise<PreviewSummary> }

type PreviewLine = { readonly type: 'difference' | 'summary' } & Readonly<Record<string, unknown>>

async function* linesOf(
  preview: FoundPreview,
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
