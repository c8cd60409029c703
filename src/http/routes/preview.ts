import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { recalculation } from '../openapi/schemas/recalculation.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { requestOf } from '../request/recalculation-request.ts'
import { previewAnswers, previewResponse, toldLimit } from '../response/preview-response.ts'
import { route } from './route.ts'

const previewRequest = named(
  'PreviewRequest',
  recalculation.safeExtend({
    closed: z
      .enum(['skip', 'include', 'only'], { error: '"skip", "include" or "only"' })
      .optional()
      .meta({ description: 'What becomes of closed days. Default "skip": they are left as they are' }),
    limit: toldLimit,
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
    answers: previewAnswers,
    problems: [404],
  },
  async (call) => {
    const { api, body, request } = call
    checkOwnTenant(call, body.tenant_id)
    const { tables, clear_existing: clearExisting, closed, limit } = body
    const options = {
      ...(tables && { tables }),
      ...(clearExisting !== undefined && { clearExisting }),
      ...(closed && { closed }),
    }
    const preview = (signal: AbortSignal) => api.recalc.preview(requestOf(body), { ...options, signal })
    return await previewResponse(request, preview, { limit, options: api.options })
  },
)
