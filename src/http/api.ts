import { Hono } from 'hono'
import { InvalidOptionsError } from '../errors.ts'
import { hasMethods } from '../expectation.ts'
import { authorizeRequest } from './auth/authorize-request.ts'
import type { Api } from './call.ts'
import { type RecalcApiOptions, resolveApiOptions } from './options.ts'
import { Paths } from './paths.ts'
import { METHODS, type RecalcForApi } from './recalc-for-api.ts'
import { crossOriginHeaders, refuseOtherOrigins } from './request/cross-origin.ts'
import { Problem, problemResponse } from './response/problem.ts'
import { problemOfError } from './response/problem-of-error.ts'
import { allRoutes } from './routes/all-routes.ts'
import type { Route } from './routes/route.ts'
import { JobFeeds } from './stream/job-feeds.ts'

/** A service as it is reached over HTTP. */
export interface RecalcApi {
  /**
   * Answers one request; can be handed on by itself. Never rejects.
   *
   * @param env What @hono/node-server gives along: with it, a body that Express has parsed already is found.
   */
  readonly fetch: (request: Request, env?: unknown) => Promise<Response>
}

/** What every answer says, unless it says something else itself. */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
}

/**
 * Makes a service reachable over HTTP: a handler of web-standard requests, for Hono, Express, Fastify, Next and plain
 * node:http. It answers below `basePath`, which no framework around it may take away.
 *
 * @throws {InvalidOptionsError} above all without `authorize`: nobody may be let in by mistake.
 * @example
 * const api = createRecalcApi(recalc, { authorize: apiKeys({ [key]: { tenants: ['acme'], actions: '*' } }) })
 * serve({ fetch: api.fetch, port: 3000 }) // of @hono/node-server
 */
export function createRecalcApi(recalc: RecalcForApi, options: RecalcApiOptions): RecalcApi {
  if (!hasMethods(recalc, METHODS)) {
    throw new InvalidOptionsError(`Expected \`recalc\` to be a RecalcService with ${METHODS.join('(), ')}()`)
  }
  const resolved = resolveApiOptions(options)
  const { allowedOrigins, basePath } = resolved
  const api: Api = {
    recalc,
    options: resolved,
    paths: new Paths(basePath),
    feeds: new JobFeeds(recalc, resolved),
  }
  const app = appOf(api, allRoutes(resolved.authorize, api.paths))
  return {
    fetch: async (request, env) => {
      const response = await app.fetch(request, { env })
      const headers = { ...HEADERS, ...crossOriginHeaders(request, allowedOrigins) }
      for (const [name, value] of Object.entries(headers)) {
        if (!response.headers.has(name)) response.headers.set(name, value)
      }
      return response
    },
  }
}

type App = Hono<{ Bindings: { readonly env: unknown } }>

function appOf(api: Api, routes: readonly Route[]): App {
  const { options, paths } = api
  const app: App = new Hono({ strict: false })
  for (const route of routes) {
    app.on(route.method, paths.of(route.path), async (context) => {
      const request = context.req.raw
      refuseOtherOrigins(request, options.allowedOrigins)
      const jobId = context.req.param('job_id') ?? ''
      return await authorizeRequest(request, options, route.action)
        .then((access) => route.answer({ api, request, env: context.env.env, access, jobId }))
        .catch((error: unknown) => {
          // Hono lets through what is no Error: a host's own code may throw anything.
          throw error instanceof Error ? error : new Error('Something that is no Error was thrown', { cause: error })
        })
    })
  }
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(paths.of(path), ({ req }) => otherMethod(req.method, methods))
  }
  // A framework that takes the base path away is found out by this.
  const nowhere = `There is nothing at this path; everything lies below ${paths.of('/')}`
  app.notFound(() => problemResponse(new Problem(404, 'NOT_FOUND', nowhere)))
  app.onError((error, { req }) => {
    const problem = problemOfError(error, api)
    if (!problem || problem.status >= 500) {
      options.logger.error({ err: error, method: req.method, path: req.path }, 'A request failed')
    }
    return problemResponse(problem ?? new Problem(500, 'INTERNAL', 'Something went wrong; it was logged'))
  })
  return app
}

function methodsByPath(routes: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, readonly string[]>()
  for (const { path, method } of routes) {
    methods.set(path, [...(methods.get(path) ?? []), ...(method === 'GET' ? ['GET', 'HEAD'] : [method])])
  }
  return methods
}

function otherMethod(method: string, allowed: readonly string[]): Response {
  const headers = { Allow: [...allowed, 'OPTIONS'].join(', ') }
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers })
  return problemResponse(new Problem(405, 'METHOD_NOT_ALLOWED', `Expected one of ${headers.Allow}`, { headers }))
}
