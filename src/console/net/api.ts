import type {
  Cancellation,
  EmployeePage,
  Estimate,
  FailurePage,
  Job,
  JobPage,
  Me,
  StartedJob,
  StartRequest,
} from './api-types.ts'
import { Problem, problemOf, problemOfResponse } from './problem.ts'

type Query = Readonly<Record<string, string | number | null | undefined>>

/** After how long without an answer a request counts as failed. */
const TIMEOUT_MS = 30_000

/** The API under `base`, the path that the page itself was loaded from. */
export class Api {
  readonly #base: string
  readonly #key: () => string | null
  readonly #onRefused: () => void

  /** `onRefused` is called whenever the server does not know who is asking. */
  constructor(base: string, key: () => string | null, onRefused: () => void) {
    this.#base = base
    this.#key = key
    this.#onRefused = onRefused
  }

  me(): Promise<Me> {
    return this.#get('/me')
  }

  jobs(query: { tenant_id?: string; status?: string; after?: string | null; limit: number }): Promise<JobPage> {
    return this.#get('/jobs', query)
  }

  job(id: string): Promise<Job> {
    return this.#get(`/status/${encodeURIComponent(id)}`)
  }

  failures(id: string, query: { after: number | null; limit: number }): Promise<FailurePage> {
    return this.#get(`/errors/${encodeURIComponent(id)}`, query)
  }

  employees(id: string, query: { after: string | null; limit: number }): Promise<EmployeePage> {
    return this.#get(`/employees/${encodeURIComponent(id)}`, query)
  }

  estimate(request: StartRequest): Promise<Estimate> {
    return this.#post('/estimate', request)
  }

  /** `idempotencyKey`: a repeated call starts nothing twice. */
  start(request: StartRequest, idempotencyKey: string): Promise<StartedJob> {
    return this.#post('', request, { 'idempotency-key': idempotencyKey })
  }

  cancel(id: string, reason: string): Promise<Cancellation> {
    return this.#post(`/cancel/${encodeURIComponent(id)}`, reason === '' ? {} : { reason })
  }

  resume(id: string): Promise<unknown> {
    return this.#post(`/resume/${encodeURIComponent(id)}`)
  }

  /** The events after `lastEventId`, as a stream that is open until somebody closes it; `null` when there will be no more. */
  async stream(id: string, lastEventId: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | null> {
    const headers = { accept: 'text/event-stream', 'last-event-id': String(lastEventId) }
    const response = await this.#fetch(`/stream/${encodeURIComponent(id)}`, { headers, signal })
    return response.status === 204 ? null : response.body
  }

  async #get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === null || value === undefined || value === '' ? [] : [[name, String(value)]],
    )
    const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`
    return await answerOf(await this.#fetch(path + search, { signal: AbortSignal.timeout(TIMEOUT_MS) }))
  }

  async #post<Answer>(path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const init: RequestInit = { method: 'POST', headers, signal: AbortSignal.timeout(TIMEOUT_MS) }
    if (body === undefined) return await answerOf(await this.#fetch(path, init))
    const json = { ...headers, 'content-type': 'application/json' }
    return await answerOf(await this.#fetch(path, { ...init, headers: json, body: JSON.stringify(body) }))
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const key = this.#key()
    const headers = new Headers(init.headers)
    if (key !== null) headers.set('x-api-key', key)
    const url = this.#base + path || '/'
    // The page asks again by itself when it wants something newer; nothing of it belongs in the browser's cache on disk.
    const response = await fetch(url, { ...init, headers, cache: 'no-store', redirect: 'error' }).catch((error) => {
      throw problemOf(error)
    })
    if (response.status === 401) this.#onRefused()
    if (!response.ok) throw await problemOfResponse(response)
    return response
  }
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  try {
    // The server's own schemas vouch for the shape; the page shows whatever it holds as text.
    return (await response.json()) as Answer
  } catch {
    throw new Problem(response.status, { detail: 'The server gave an answer that is no JSON.' })
  }
}
