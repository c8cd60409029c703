import { STATUS_CODES } from 'node:http'

/** One thing that is wrong with a request. */
export interface ValidationError {
  /** Where it is, such as `start_date` or `employee_ids[3]`. */
  readonly field: string
  readonly message: string
}

/** What a problem holds beyond status, code and detail. */
export interface ProblemExtensions {
  readonly errors?: readonly ValidationError[]
  readonly active_job_id?: string | null
  readonly job_id?: string
  readonly retry_after_seconds?: number
  readonly result?: object
}

/** An answer that is no success, thrown to where answers are made: RFC 9457 problem details. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly extensions: ProblemExtensions
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    detail: string,
    more: { readonly extensions?: ProblemExtensions; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.extensions = more.extensions ?? {}
    this.headers = more.headers ?? {}
  }
}

/** The problem as an answer. */
export function problemResponse({ status, code, message, extensions, headers }: Problem): Response {
  // The type says no more than the status; programs distinguish problems by the code.
  const details = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail: message, code }
  return new Response(JSON.stringify({ ...details, ...extensions }), {
    status,
    headers: { ...headers, 'Content-Type': 'application/problem+json' },
  })
}

/** The most errors in one answer, which is not to be longer than what it answers. */
const MAX_ERRORS = 100

/** Everything that is wrong with what was sent. */
export function invalidRequest(errors: readonly ValidationError[]): Problem {
  const [first, ...others] = errors
  const more = others.length === 0 ? '' : `; and ${others.length} more, see errors`
  return new Problem(400, 'INVALID_REQUEST', `${first?.message ?? 'The request is invalid'}${more}`, {
    extensions: { errors: errors.slice(0, MAX_ERRORS) },
  })
}
