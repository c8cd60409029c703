import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { SchemaChecks } from './schema-checks.ts'
import { BASE } from './server.ts'

export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Parsed, if it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: openapi.json vouches for the shape, and tests name what they expect of it
  readonly body: any
}

interface Sent {
  readonly method?: string
  /** Sent as JSON. */
  readonly json?: unknown
  readonly body?: RequestInit['body']
  readonly headers?: Readonly<Record<string, string>>
}

/** What was heard of a stream. */
export interface Heard extends EventSourceMessage {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly value: any
}

/** A caller who believes no answer that openapi.json does not describe. */
export class ApiClient {
  readonly base: string
  readonly key: string | null
  readonly checks: SchemaChecks

  private constructor(base: string, key: string | null, checks: SchemaChecks) {
    this.base = base
    this.key = key
    this.checks = checks
  }

  static async connect(url: string, key: string | null, basePath = BASE): Promise<ApiClient> {
    const response = await fetch(`${url}${basePath}/openapi.json`)
    return new ApiClient(url + basePath, key, SchemaChecks.of(await response.text()))
  }

  /** The same server with another key; `null`: without. */
  as(key: string | null): ApiClient {
    return new ApiClient(this.base, key, this.checks)
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
    return this.send(path, { headers })
  }

  post(path: string, json?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
    return this.send(path, { method: 'POST', headers, ...(json !== undefined && { json }) })
  }

  async send(path: string, { method = 'GET', json, body, headers }: Sent): Promise<ApiAnswer> {
    const response = await fetch(this.base + path, {
      method,
      headers: {
        ...(this.key !== null && { 'X-API-Key': this.key }),
        ...(json !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(body !== undefined && { body, duplex: 'half' }),
    } as RequestInit)
    const text = await response.text()
    const contentType = response.headers.get('content-type')
    if (method !== 'OPTIONS' && method !== 'HEAD') {
      const { pathname } = new URL(this.base + path)
      this.checks.check(method, pathname, { status: response.status, contentType, text })
    }
    const isJson = contentType?.includes('json') && text !== ''
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
  }

  /** What a stream tells, frame by frame, up to its end. */
  async *stream(
    jobId: string,
    how: { readonly lastEventId?: number; readonly query?: string; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Heard, void> {
    const { lastEventId, query = '', signal } = how
    const gone = new AbortController()
    const response = await fetch(`${this.base}/stream/${jobId}${query}`, {
      headers: {
        ...(this.key !== null && { 'X-API-Key': this.key }),
        ...(lastEventId !== undefined && { 'Last-Event-ID': String(lastEventId) }),
      },
      signal: signal ? AbortSignal.any([signal, gone.signal]) : gone.signal,
    })
    if (response.status !== 200 || !response.body) throw new Error(`The stream was answered with ${response.status}`)
    const heard: Heard[] = []
    const parser = createParser({
      onEvent: (message) => heard.push({ ...message, value: JSON.parse(message.data) }),
      onError: (error) => {
        throw error
      },
    })
    const decoder = new TextDecoder('utf-8', { fatal: true })
    try {
      for await (const chunk of response.body) {
        parser.feed(decoder.decode(chunk, { stream: true }))
        for (const message of heard.splice(0)) {
          this.checks.checkEvent(message.event ?? '', message.value)
          yield message
        }
      }
    } finally {
      gone.abort()
    }
  }

  /** Everything that a stream tells. */
  async heard(jobId: string, how: Parameters<ApiClient['stream']>[1] = {}): Promise<readonly Heard[]> {
    const heard: Heard[] = []
    for await (const message of this.stream(jobId, how)) heard.push(message)
    return heard
  }
}
