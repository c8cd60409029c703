import { z } from 'zod'
import type { Authorize } from '../access.ts'
import { openApiOf } from '../openapi.ts'
import type { Paths } from '../paths.ts'
import { json } from '../responses.ts'
import { type Route, route } from '../route.ts'
import { consoleRoute } from './console.ts'
import { cancelRoute, resumeRoute } from './control.ts'
import { dayRoute } from './day.ts'
import { employeesRoute, errorsRoute } from './job-parts.ts'
import { jobsRoute, statusRoute } from './jobs.ts'
import { meRoute } from './me.ts'
import { estimateRoute, startRoute } from './start.ts'
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
    statusRoute,
    jobsRoute,
    errorsRoute,
    employeesRoute,
    streamRoute,
    cancelRoute,
    resumeRoute,
    meRoute,
    openApi,
    consoleRoute,
  ]
  const document = openApiOf(routes, paths, authorize)
  return routes
}
