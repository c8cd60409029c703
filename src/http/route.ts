import type { z } from 'zod'
import type { Access, Action } from './access.ts'
import { readJson } from './body.ts'
import { findingsOf } from './findings.ts'
import type { ResolvedApiOptions } from './options.ts'
import type { Paths } from './paths.ts'
import { type Finding, invalidRequest } from './problem.ts'
import type { RecalcForApi } from './recalc.ts'
import type { JobFeeds } from './stream/job-feeds.ts'

/** What every route works with. */
export interface Api {
  readonly recalc: RecalcForApi
  readonly options: ResolvedApiOptions
  readonly paths: Paths
  readonly feeds: JobFeeds
}

/** A request that was let in. */
export interface Call {
  readonly api: Api
  readonly request: Request
  readonly access: Access
  /** Of the path; empty where it has none. */
  readonly jobId: string
}

/** A schema for each part of a request. */
interface Parts {
  readonly body?: z.ZodType
  readonly query?: z.ZodObject
  /** By their names in lower case. */
  readonly headers?: z.ZodObject
}

type Part<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined

/** A {@link Call} with its parts as their schemas gave them. */
export type CheckedCall<Input extends Parts> = Call & {
  readonly body: Part<Input['body']>
  readonly query: Part<Input['query']>
  readonly headers: Part<Input['headers']>
}

/** One answer that a route may give. */
export interface Answer {
  readonly description: string
  /** Absent: there is no body. */
  readonly schema?: z.ZodType
  /** Default `application/json`. */
  readonly contentType?: string
  /** Of the data of each event, in a stream. */
  readonly eventSchema?: z.ZodType
  readonly headers?: Readonly<Record<string, string>>
}

interface Definition extends Parts {
  readonly method: 'GET' | 'POST'
  /** Below the base path; `:job_id` is the only parameter there is. */
  readonly path: string
  /** `null`: for everybody. */
  readonly action: Action | null
  readonly name: string
  readonly summary: string
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>
  /** Statuses of problems that are its own; those that any route may answer are known without. */
  readonly problems?: readonly number[]
}

/** What openapi.json tells of it, and what answers it. */
export interface Route extends Definition {
  answer(call: Call): Promise<Response>
}

/** A route whose parts are checked by the schemas that describe them. */
export function route<const Input extends Definition>(
  definition: Input,
  handle: (call: CheckedCall<Input>) => Promise<Response>,
): Route {
  return {
    ...definition,
    answer: async (call) => handle({ ...call, ...(await checkedParts(definition, call)) } as CheckedCall<Input>), // what its schemas give
  }
}

/** All parts are looked at before anything is refused, so that nobody has to find out field by field. */
async function checkedParts({ body, query, headers }: Parts, { request, api }: Call) {
  const findings: Finding[] = []
  const check = (schema: z.ZodType | undefined, read: () => unknown): unknown => {
    if (!schema) return undefined
    const value = read()
    const { data, error } = schema.safeParse(value)
    if (error) findings.push(...findingsOf(error.issues, value))
    return data
  }
  const json = body && (await readJson(request, api.options.maxBodyBytes))
  const parts = {
    query: check(query, () => queryOf(new URL(request.url), findings)),
    headers: check(headers, () => headersOf(request.headers, Object.keys(headers?.shape ?? {}))),
    body: check(body, () => json),
  }
  if (findings.length > 0) throw invalidRequest(findings)
  return parts
}

/** Each parameter by name; what is there twice is refused, because nobody can say which one counts. */
function queryOf({ searchParams }: URL, findings: Finding[]): object {
  for (const name of new Set(searchParams.keys())) {
    if (searchParams.getAll(name).length === 1) continue
    const field = name.slice(0, 100)
    findings.push({ field, message: `Expected one value of ${JSON.stringify(field)}, got several` })
  }
  // Without a prototype `__proto__` is a name like any other.
  return Object.assign(Object.create(null), Object.fromEntries(searchParams))
}

function headersOf(headers: Headers, names: readonly string[]): object {
  const given = names.flatMap((name) => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  return Object.fromEntries(given)
}
