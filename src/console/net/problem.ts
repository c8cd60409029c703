import type { ProblemDetails } from './api-types.ts'

/** When the API refused, or could not be reached. */
export class Problem extends Error {
  /** The HTTP status; 0 when there was no answer at all. */
  readonly status: number
  readonly details: ProblemDetails
  readonly retryAfterSeconds: number | null

  constructor(status: number, details: ProblemDetails, retryAfterSeconds: number | null = null) {
    super(details.detail ?? details.title ?? `The server answered ${status}.`)
    this.status = status
    this.details = details
    this.retryAfterSeconds = retryAfterSeconds
  }

  /** True when another try may succeed by itself: nobody answered, or a server in trouble did. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }
}

/** The problem behind whatever was thrown. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem(0, { detail: 'The server cannot be reached.' })
}

/** The problem that an answer other than 2xx tells. */
export async function problemOfResponse(response: Response): Promise<Problem> {
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new Problem(response.status, await detailsOf(response), Number.isFinite(retryAfter) ? retryAfter : null)
}

async function detailsOf(response: Response): Promise<ProblemDetails> {
  // A proxy in between answers with a page of its own.
  if (!response.headers.get('content-type')?.includes('json')) return {}
  const body: unknown = await response.json().catch(() => null)
  // What else a problem holds is only ever shown as text.
  return typeof body === 'object' && body !== null ? (body as ProblemDetails) : {}
}
