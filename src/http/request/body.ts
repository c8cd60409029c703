import type { Call } from '../call.ts'
import { Problem } from '../response/problem.ts'

/**
 * The JSON of a request's body; `undefined` for an empty one. Reads no more than `maxBytes` of it, whatever its headers
 * promise. A body that Express's `json()` or `raw()` has read before is taken from there; their own limit holds for it.
 *
 * @throws {Problem} 400, 413 or 415; 500 for a body that somebody else has read.
 */
export async function readJson({ request, env }: Pick<Call, 'request' | 'env'>, maxBytes: number): Promise<unknown> {
  if (request.bodyUsed || request.body?.locked) throw bodyAlreadyRead()
  const bytes = await readBytes(request, maxBytes)
  if (bytes.length > 0) return jsonOf(bytes, request.headers)
  const incoming = incomingOf(env)
  const wasRead = Number(request.headers.get('Content-Length')) > 0 || incoming.readableDidRead === true
  if (!wasRead) return undefined
  const { body } = incoming
  if (body instanceof Uint8Array) return jsonOf(body, request.headers)
  if (typeof body !== 'object' || body === null) throw bodyAlreadyRead()
  checkEncoding(request.headers)
  return body
}

/** What node:http knows of a request, and what a body parser of Express leaves there. */
function incomingOf(env: unknown): { readonly readableDidRead?: unknown; readonly body?: unknown } {
  // Looked at only: another server gives something else along, or nothing.
  return (env as { readonly incoming?: object } | null | undefined)?.incoming ?? {}
}

function bodyAlreadyRead(): Problem {
  const remedy = 'mount the API before body parsers, or hand it a request whose body is unread'
  return new Problem(500, 'BODY_ALREADY_READ', `The body was read before it came to the API: ${remedy}`)
}

function jsonOf(bytes: Uint8Array, headers: Headers): unknown {
  checkEncoding(headers)
  try {
    // With `fatal` no malformed byte passes for something else; a byte order mark is dropped.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Problem(400, 'INVALID_REQUEST', 'Expected the body to be JSON in UTF-8', {
      extensions: { errors: [{ field: '', message: 'Expected the body to be JSON in UTF-8' }] },
    })
  }
}

/** A form, which a page of another site could send, is no JSON. */
function checkEncoding(headers: Headers): void {
  const coding = headers.get('Content-Encoding') ?? 'identity'
  if (coding.trim().toLowerCase() !== 'identity') {
    throw new Problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'Expected the body without a Content-Encoding')
  }
  const [type = '', ...parameters] = (headers.get('Content-Type') ?? '').toLowerCase().split(';')
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='))
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset)
  if (type.trim() === 'application/json' && isUtf8) return
  throw new Problem(415, 'UNSUPPORTED_MEDIA_TYPE', 'Expected the body as application/json in UTF-8', {
    headers: { Accept: 'application/json' },
  })
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get('Content-Length')) > maxBytes) throw tooLarge(maxBytes)
  const reader = request.body?.getReader()
  if (!reader) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Problem(400, 'INVALID_REQUEST', 'Expected the whole body, got a part of it')
    })
    if (done) return Buffer.concat(chunks, size)
    size += value.byteLength
    if (size > maxBytes) {
      // Nobody waits for what is left of it.
      reader.cancel().catch(() => {})
      throw tooLarge(maxBytes)
    }
    chunks.push(value)
  }
}

function tooLarge(maxBytes: number): Problem {
  return new Problem(413, 'BODY_TOO_LARGE', `Expected a body of at most ${maxBytes} bytes`)
}
