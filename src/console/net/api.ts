import type {
  DirtyPage,
  EmployeePage,
  Estimate,
  FailurePage,
  FreshnessPage,
  HistoryPage,
  Job,
  JobPage,
  Me,
  StartedJob,
  StartRequest,
} from './api-types.ts'
import type { Pace } from './pace.ts'
import { Problem, problemOf, problemOfResponse } from './problem.ts'

type Query = Readonly<Record<string, string | number | null>>

/** How a request is made. */
export interface Asked {
  /** Somebody has just done something and waits for the answer. */
  readonly urgent?: boolean
  readonly signal?: AbortSignal
}

/** After how long without an answer a request counts as failed. */
const TIMEOUT_MS = 30_000

/** The API under `base`, the path that the page itself was loaded from. Every request waits for its turn. */
export class Api {
  readonly #base: string
  readonly #key: () => string | null
  readonly #pace: Pace
  readonly #onRefused: () => void

  /** `onRefused` is called whenever the server does not know who is asking. */
  constructor(base: string, key: () => string | null, pace: Pace, onRefused: () => void) {
    this.#base = base
    this.#key = key
    this.#pace = pace
    this.#onRefused = onRefused
  }

  readonly me = (asked: Asked) => this.#get<Me>('/me', 'tables', {}, asked)
  readonly jobs = (query: Query, asked: Asked) => this.#get<JobPage>('/jobs', 'jobs', query, asked)
  readonly job = (id: string, asked: Asked) => this.#get<Job>(pathOf('status', id), 'stages', {}, asked)
  readonly failures = (id: string, query: Query, asked: Asked) =>
    this.#get<FailurePage>(pathOf('errors', id), 'errors', query, asked)
  readonly employees = (id: string, query: Query, asked: Asked) =>
    this.#get<EmployeePage>(pathOf('employees', id), 'employees', query, asked)
  readonly estimate = (request: StartRequest) => this.#post<Estimate>('/estimate', request)
  /** `idempotencyKey`: a repeated call starts nothing twice. */
  readonly start = (request: StartRequest, idempotencyKey: string) =>
    this.#post<StartedJob>('', request, { 'idempotency-key': idempotencyKey })
  readonly freshness = (query: Query, asked: Asked) => this.#get<FreshnessPage>('/freshness', 'tenants', query, asked)
  readonly dirty = (query: Query, asked: Asked) => this.#get<DirtyPage>('/dirty', 'changes', query, asked)
  readonly history = (query: Query, asked: Asked) => this.#get<HistoryPage>('/history', 'entries', query, asked)
  readonly settle = (tenantId: string) =>
    this.#post<{ settled: boolean; days?: number }>('/settle', { tenant_id: tenantId })
  readonly release = (tenantId: string) => this.#post<{ released: number }>('/release', { tenant_id: tenantId })
  readonly cancel = (id: string, reason: string) => this.#post(pathOf('cancel', id), reason === '' ? {} : { reason })
  readonly pause = (id: string) => this.#post(pathOf('pause', id), {})
  readonly resume = (id: string) => this.#post(pathOf('resume', id), {})

  /**
   * The events after `lastEventId`, as a stream that is open until somebody closes it; `null` when there will be no more.
   * Whoever reads it tells whether it held, with {@link streamHeld} or {@link streamBroke}.
   */
  async stream(id: string, lastEventId: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | null> {
    await this.#pace.turn({ signal })
    const headers = { accept: 'text/event-stream', 'last-event-id': String(lastEventId) }
    const response = await this.#fetch(pathOf('stream', id), { headers, signal })
    return response.status === 204 ? null : response.body
  }

  /** What a recalculation would change, as events, until the signal ends it. */
  async preview(request: StartRequest, limit: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | null> {
    await this.#pace.turn({ urgent: true, signal })
    const headers = { accept: 'text/event-stream', 'content-type': 'application/json' }
    const body = JSON.stringify({ ...request, limit })
    try {
      const response = await this.#fetch('/preview', { method: 'POST', headers, body, signal })
      this.#pace.succeeded('POST /preview')
      return response.body
    } catch (error) {
      const problem = problemOf(error)
      if (!signal.aborted && problem.passing) this.#pace.failed('POST /preview', problem.retryAfterSeconds)
      throw problem
    }
  }

  streamHeld(): void {
    this.#pace.succeeded('stream')
  }

  streamBroke(): void {
    this.#pace.failed('stream')
  }

  /** `list`: what the answer must hold an array of, for the page to rely on. */
  #get<Answer>(path: string, list: keyof Answer & string, query: Query, asked: Asked): Promise<Answer> {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === null || value === '' ? [] : [[name, String(value)]],
    )
    const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`
    const isTrouble = ({ status }: Problem) => status !== 401
    return this.#ask(path.split('/')[1] ?? '', { path: path + search, list, isTrouble, ...asked })
  }

  #post<Answer>(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const json = { ...headers, 'content-type': 'application/json' }
    const init = { method: 'POST', headers: json, body: JSON.stringify(body) }
    // A server that refuses what somebody asks for is well.
    const isTrouble = ({ status }: Problem) => status === 0 || status >= 500
    return this.#ask(`POST ${path}`, { path, init, isTrouble, urgent: true })
  }

  async #ask<Answer>(
    endpoint: string,
    how: Asked & { path: string; list?: string; init?: RequestInit; isTrouble(problem: Problem): boolean },
  ): Promise<Answer> {
    const { path, list, init, isTrouble, signal } = how
    await this.#pace.turn(how)
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const response = await this.#fetch(path, {
        ...init,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      })
      const answer: unknown = await response.json().catch(() => null)
      if (!isAnswer<Answer>(answer, list)) throw new Problem(0, { detail: 'The server’s answer is not this API’s.' })
      this.#pace.succeeded(endpoint)
      return answer
    } catch (error) {
      const problem = problemOf(error)
      // Nobody is in trouble because somebody turned away.
      if (!signal?.aborted && isTrouble(problem)) this.#pace.failed(endpoint, problem.retryAfterSeconds)
      throw problem
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const key = this.#key()
    const headers = new Headers(init.headers)
    if (key !== null) headers.set('x-api-key', key)
    const url = this.#base + path || '/'
    // The page asks again by itself when it wants something newer; nothing of it belongs in the browser's cache on disk.
    const response = await fetch(url, { ...init, headers, cache: 'no-store', redirect: 'error' })
    if (response.status === 401) this.#onRefused()
    if (!response.ok) throw await problemOfResponse(response)
    return response
  }
}

function pathOf(endpoint: string, id: string): string {
  return `/${endpoint}/${encodeURIComponent(id)}`
}

/** Whether the page can rely on this: an object, with an array of that name. The rest is only ever shown as text. */
export function isAnswer<Answer>(answer: unknown, list?: string): answer is Answer {
  if (typeof answer !== 'object' || answer === null) return false
  return list === undefined || Array.isArray(Reflect.get(answer, list))
}
