import type { z } from 'zod'
import type { Call } from '../call.ts'
import { invalidRequest, type ValidationError } from '../response/problem.ts'
import { readJson } from './body.ts'
import { validationErrorsOf } from './validation-errors.ts'

/** A schema for each part of a request. */
export interface Parts {
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

/** All parts are looked at before anything is refused, so that nobody has to find out field by field. */
export async function checkedParts({ body, query, headers }: Parts, call: Call) {
  const { request, api } = call
  const invalid: ValidationError[] = []
  const check = (schema: z.ZodType | undefined, read: () => unknown): unknown => {
    if (!schema) return undefined
    const value = read()
    const { data, error } = schema.safeParse(value)
    if (error) invalid.push(...validationErrorsOf(error.issues, value))
    return data
  }
  const json = body && (await readJson(call, api.options.maxBodyBytes))
  const parts = {
    query: check(query, () => queryOf(new URL(request.url), invalid)),
    headers: check(headers, () => headersOf(request.headers, Object.keys(headers?.shape ?? {}))),
    body: check(body, () => json),
  }
  if (invalid.length > 0) throw invalidRequest(invalid)
  return parts
}

/** Each parameter by name; what is there twice is refused, because nobody can say which one counts. */
function queryOf({ searchParams }: URL, invalid: ValidationError[]): object {
  for (const name of new Set(searchParams.keys())) {
    if (searchParams.getAll(name).length === 1) continue
    const field = name.slice(0, 100)
    invalid.push({ field, message: `Expected one value of ${JSON.stringify(field)}, got several` })
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
