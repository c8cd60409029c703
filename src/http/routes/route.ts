import type { z } from 'zod'
import type { Action } from '../auth/access.ts'
import type { Call } from '../call.ts'
import { type CheckedCall, checkedParts, type Parts } from '../request/parts.ts'

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
