import { named } from '../openapi/schemas/components.ts'
import { dirtyScope, scopeOf } from '../openapi/schemas/dirty-scope.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { previewAnswers, previewResponse, toldLimit } from '../response/preview-response.ts'
import { route } from './route.ts'

/** What the changes of closed days would do. */
export const previewHeldRoute = route(
  {
    method: 'POST',
    path: '/preview/held',
    action: 'preview',
    name: 'preview_held',
    summary: 'What held changes would do if their closed days were open; nothing is written',
    body: named('HeldPreviewRequest', dirtyScope.safeExtend({ limit: toldLimit }), 'Whose held changes to preview'),
    answers: previewAnswers,
  },
  async (call) => {
    const { api, body, request } = call
    checkOwnTenant(call, body.tenant_id)
    const held = { held: true, ...scopeOf(body) } as const
    const preview = (signal: AbortSignal) => api.recalc.preview(held, { signal })
    return await previewResponse(request, preview, { limit: body.limit, options: api.options })
  },
)
