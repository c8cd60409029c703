import type {
  Correction,
  CorrectionsSummary,
  Difference,
  DirtyPage,
  EmployeePage,
  Estimate,
  FailurePage,
  FreshnessPage,
  HistoryPage,
  Job,
  JobPage,
  Me,
  PreviewRequest,
  PreviewSummary,
  Settled,
  StartedJob,
  StartRequest,
} from './api-types.ts'
import type { Pace } from './pace.ts'
import { Problem, problemOf, problemOfResponse } from './problem.ts'
import { linesOf, parsed } from './read-text.ts'

type Query = Readonly<Record<string, string | number | null>>

/** How a request is made. */
export interface Asked {
  /** Somebody has just done something and waits for the answer. */
  readonly urgent?: boolean
  readonly signal?: AbortSignal
}

/** What becomes of an answer that is found piece by piece. */
export interface Finding<Item> {
  readonly signal: AbortSignal
  /** `characters`: how long it was as it came. */
  onItem(item: Item, characters: number): void
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
  /** Nobody knows how long it takes; it gives what all of the differences come to. */
  readonly preview = (request: PreviewRequest, limit: number, finding: Finding<Difference>) =>
    this.#find<Difference, PreviewSummary>('/preview', postOf({ ...request, limit }), finding)
  readonly corrections = (query: Query, finding: Finding<Correction>) =>
    this.#find<Correction, CorrectionsSummary>(`/corrections${searchOf(query)}`, {}, finding)
  readonly settleCorrections = (tenantId: string, ids: readonly string[]) =>
    this.#post<{ readonly settled: number }>('/corrections/settle', { tenant_id: tenantId, ids })
  readonly settle = (tenantId: string) => this.#post<Settled>('/settle', { tenant_id: tenantId })
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

  streamHeld(): void {
    this.#pace.succeeded('stream')
  }

  streamBroke(): void {
    this.#pace.failed('stream')
  }

  /** `list`: what the answer must hold an array of, for the page to rely on. */
  #get<Answer>(path: string, list: keyof Answer & string, query: Query, asked: Asked): Promise<Answer> {
    const within = { ...asked, timeoutMs: TIMEOUT_MS }
    return this.#ask(path.split('/')[1] ?? '', path + searchOf(query), within, {}, jsonOf<Answer>(list))
  }

  #post<Answer>(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const within = { urgent: true, timeoutMs: TIMEOUT_MS }
    return this.#ask(`POST ${path}`, path, within, postOf(body, headers), jsonOf<Answer>())
  }

  /** An answer of a line for each thing that was found, and a last one that sums up. */
  #find<Item, Summary>(path: string, init: RequestInit, { signal, onItem }: Finding<Item>): Promise<Summary> {
    return this.#ask(path, path, { urgent: true, signal }, init, async ({ body }) => {
      for await (const text of linesOf(body ?? new Blob().stream())) {
        const line = parsed(text)
        if (!isAnswer<{ type: string; message: string }>(line)) throw foreign()
        if (line.type === 'error') throw new Problem(500, { detail: line.message })
        // The server's own schemas vouch for the rest.
        if (line.type === 'summary') return line as Summary
        onItem(line as Item, text.length)
      }
      throw new Problem(0, { detail: 'The answer broke off before its end.' })
    })
  }

  /** Waits for its turn, asks, and tells the pace how that went: whatever is asked of the server is asked by this. */
  async #ask<Answer>(
    endpoint: string,
    path: string,
    asked: Asked & { readonly timeoutMs?: number },
    init: RequestInit,
    read: (response: Response) => Promise<Answer>,
  ): Promise<Answer> {
    const { signal, timeoutMs } = asked
    await this.#pace.turn(asked)
    const limits = [...(signal ? [signal] : []), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])]
    try {
      const answer = await read(await this.#fetch(path, { ...init, signal: AbortSignal.any(limits) }))
      this.#pace.succeeded(endpoint)
      return answer
    } catch (error) {
      const problem = problemOf(error)
      // Nobody is in trouble because somebody turned away; and a server that refuses what somebody asks for is well.
      const isTrouble = init.method === 'POST' ? problem.status === 0 || problem.status >= 500 : problem.status !== 401
      if (!signal?.aborted && isTrouble) this.#pace.failed(endpoint, problem.retryAfterSeconds)
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

function searchOf(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

function postOf(body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function jsonOf<Answer>(list?: keyof Answer & string): (response: Response) => Promise<Answer> {
  return async (response) => {
    const answer: unknown = await response.json().catch(() => null)
    if (!isAnswer<Answer>(answer, list)) throw foreign()
    return answer
  }
}

function foreign(): Problem {
  return new Problem(0, { detail: 'The server’s answer is not this API’s.' })
}

/** Whether the page can rely on this: an object, with an array of that name. The rest is only ever shown as text. */
export function isAnswer<Answer>(answer: unknown, list?: string): answer is Answer {
  if (typeof answer !== 'object' || answer === null) return false
  return list === undefined || Array.isArray(Reflect.get(answer, list))
}
