import { z } from 'zod'
import type { Authorize } from '../auth/access.ts'
import type { Paths } from '../paths.ts'
import type { Answer, Route } from '../routes/route.ts'
import { components } from './schemas/components.ts'
import { problem } from './schemas/problem.ts'

type Json = Readonly<Record<string, unknown>>

const INFO = {
  title: 'Recalculation',
  description: 'Starts, watches, cancels, pauses and resumes recalculations of derived per-employee-per-day data.',
  version: '1',
}

/** What any route may answer besides its own. */
const EVERY_ROUTE = [400, 500, 503]
const WITH_CREDENTIALS = [401, 403]
const WITH_BODY = [413, 415]
const WITH_JOB = [404]

const refTo = (id: string) => `#/components/schemas/${id}`

/** The OpenAPI 3.1 document of the routes, out of the schemas that check what comes in. */
export function openApiOf(routes: readonly Route[], paths: Paths, authorize: Authorize): Json {
  const { securityScheme } = authorize
  const items: Record<string, Json> = {}
  for (const route of routes) {
    const path = paths.of(route.path).replace(':job_id', '{job_id}')
    items[path] = { ...items[path], [route.method.toLowerCase()]: operation(route, securityScheme !== undefined) }
  }
  return {
    openapi: '3.1.0',
    info: INFO,
    paths: items,
    components: {
      schemas: schemas(),
      ...(securityScheme && { securitySchemes: { credentials: securityScheme } }),
    },
  }
}

function operation(route: Route, secured: boolean): Json {
  const { action, name, summary, body } = route
  return {
    operationId: name,
    summary,
    ...(secured && { security: action === null ? [] : [{ credentials: [] }] }),
    parameters: parameters(route),
    ...(body && {
      requestBody: {
        required: !body.safeParse(undefined).success,
        content: { 'application/json': { schema: schemaOf(body, 'input') } },
      },
    }),
    responses: responses(route),
  }
}

function parameters({ path, query, headers }: Route): readonly Json[] {
  const ofPath = path.includes(':job_id')
    ? [{ name: 'job_id', in: 'path', required: true, schema: { type: 'string' } }]
    : []
  return [...ofPath, ...parametersOf(query, 'query'), ...parametersOf(headers, 'header')]
}

function parametersOf(schema: z.ZodObject | undefined, where: 'query' | 'header'): readonly Json[] {
  if (!schema) return []
  return Object.entries(schema.shape).map(([name, field]) => {
    // A query is text, what it stands for is what the schema gives.
    const { description, ...shape } = schemaOf(field as z.ZodType, 'output') // a ZodObject's shape holds schemas
    return { name, in: where, required: false, ...(description !== undefined && { description }), schema: shape }
  })
}

function responses({ answers, problems = [], action, path, body }: Route): Json {
  const statuses = [
    ...EVERY_ROUTE,
    ...(action === null ? [] : WITH_CREDENTIALS),
    ...(body ? WITH_BODY : []),
    ...(path.includes(':job_id') ? WITH_JOB : []),
    ...problems,
  ]
  const refused = Object.fromEntries(statuses.map((status) => [status, refusal(status)]))
  return { ...refused, ...Object.fromEntries(Object.entries(answers).map(([status, one]) => [status, answer(one)])) }
}

/** What each status of a problem means, and the codes that come with it. */
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'INVALID_REQUEST: what was sent is wrong; `errors` lists every field',
  401: 'UNAUTHORIZED: no credentials, unknown ones, or ones that have expired',
  403: 'FORBIDDEN: the credentials do not cover it; CROSS_ORIGIN: it came from a page of another origin',
  404: 'JOB_NOT_FOUND: no such job, or none of the caller’s; TENANT_NOT_FOUND: no such tenant',
  409: 'JOB_CONFLICT: another job is in the way; NOT_RESUMABLE: the job is active or complete',
  413: 'BODY_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE: the body is not application/json in UTF-8',
  422: 'RECALC_FAILED: the day failed; IDEMPOTENCY_CONFLICT: the key stands for another request',
  429: 'COOLDOWN: another job was started a short while ago',
  500: 'INTERNAL: something went wrong, it was logged; BODY_ALREADY_READ: the API is mounted behind a body parser',
  503: 'BACKEND_UNAVAILABLE, SERVICE_STOPPED: try again later',
}

const RETRY_AFTER = { 'Retry-After': { description: 'In seconds', schema: { type: 'integer' } } }

function refusal(status: number): Json {
  const schema = schemaOf(problem, 'output')
  return {
    description: PROBLEMS[status] ?? 'A problem',
    ...((status === 429 || status === 503) && { headers: RETRY_AFTER }),
    content: { 'application/problem+json': { schema } },
  }
}

function answer({ description, schema, contentType = 'application/json', eventSchema, headers }: Answer): Json {
  const described = Object.entries(headers ?? {}).map(([name, what]) => [
    name,
    { description: what, schema: { type: 'string' } },
  ])
  return {
    description,
    ...(headers && { headers: Object.fromEntries(described) }),
    ...(schema && { content: { [contentType]: { schema: schemaOf(schema, 'output'), ...dataOf(eventSchema) } } }),
  }
}

/** OpenAPI 3.1 has no place for what a stream is made of. */
function dataOf(eventSchema: z.ZodType | undefined): Json {
  return eventSchema ? { 'x-event-schema': schemaOf(eventSchema, 'output') } : {}
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema // zod's core type says less
  const id = components.get(inner)?.id
  if (id !== undefined) return { $ref: refTo(id) }
  const { $schema: _, ...rest } = z.toJSONSchema(inner, { io, unrepresentable: 'any' })
  return rest
}

/** Every named schema: the bodies as they come in, everything else as it goes out. */
function schemas(): Json {
  const { schemas: found } = z.toJSONSchema(components, { uri: refTo, io: 'input', unrepresentable: 'any' })
  return Object.fromEntries(
    Object.entries(found).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema as Json]),
  )
}
