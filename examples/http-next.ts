// The API in Next's App Router: this file as app/api/system/recalculate/[[...path]]/route.ts of an application.
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { recalc } from './http/service.ts'

const KEY = 'demo-key' // of the environment, in earnest
const api = createRecalcApi(recalc, { authorize: apiKeys({ [KEY]: { tenants: ['acme'], actions: '*' } }) })

// Nothing of it may be made when the application is built, and it needs Node.
export const dynamic = 'force-dynamic'
export const runtime = 'nodejs'

export const GET = api.fetch
export const POST = api.fetch
export const OPTIONS = api.fetch
