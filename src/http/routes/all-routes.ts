import { z } from 'zod'
import type { Authorize } from '../auth/access.ts'
import { openApiOf } from '../openapi/document.ts'
import type { Paths } from '../paths.ts'
import { json } from '../response/json.ts'
import { cancelRoute } from './cancel.ts'
import { consoleRoute } from './console.ts'
import { correctionsRoute } from './corrections.ts'
import { dayRoute } from './day.ts'
import { dirtyRoute } from './dirty.ts'
import { employeesRoute } from './employees.ts'
import { errorsRoute } from './errors.ts'
import { estimateRoute } from './estimate.ts'
import { freshnessRoute } from './freshness.ts'
import { historyRoute } from './history.ts'
import { jobsRoute } from './jobs.ts'
import { meRoute } from './me.ts'
import { pauseRoute } from './pause.ts'
import { previewRoute } from './preview.ts'
import { releaseRoute } from './release.ts'
import { resumeRoute } from './resume.ts'
import { type Route, route } from './route.ts'
import { settleRoute } from './settle.ts'
import { settleCorrectionsRoute } from './settle-corrections.ts'
import { startRoute } from './start.ts'
import { statusRoute } from './status.ts'
import { streamRoute } from './stream.ts'

/** Every route there is, its own description among them. */
export function allRoutes(authorize: Authorize, paths: Paths): readonly Route[] {
  const openApi = route(
    {
      method: 'GET',
      path: '/openapi.json',
      action: null,
      name: 'openapi',
      summary: 'This description',
      answers: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
    },
    async () => json(document),
  )
  const routes = [
    startRoute(),
    dayRoute,
    estimateRoute,
    previewRoute,
    correctionsRoute,
    settleCorrectionsRoute,
    statusRoute,
    jobsRoute,
    errorsRoute,
    employeesRoute,
    streamRoute,
    cancelRoute,
    pauseRoute,
    resumeRoute,
    freshnessRoute,
    dirtyRoute,
    settleRoute,
    historyRoute,
    releaseRoute,
    meRoute,
    openApi,
    consoleRoute,
  ]
  const document = openApiOf(routes, paths, authorize)
  return routes
}
