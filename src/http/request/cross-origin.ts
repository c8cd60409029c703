import { describe } from '../../expectation.ts'
import { Problem } from '../response/problem.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * Keeps pages of other origins from doing things with what a browser sends along by itself, such as cookies. Whoever is no
 * browser says neither `Sec-Fetch-Site` nor `Origin`, and is let through to show its credentials.
 *
 * What a page cannot forge decides: `Sec-Fetch-Site`, or, where a browser does not send it (plain http), `Origin` against
 * the host that the browser addressed. `X-Forwarded-Host` is what anybody says it is, so a proxy that rewrites `Host` needs
 * `allowedOrigins`.
 *
 * @throws {Problem} 403.
 */
export function refuseOtherOrigins(request: Request, allowedOrigins: readonly string[]): void {
  if (SAFE_METHODS.includes(request.method)) return
  const origin = request.headers.get('Origin')
  if (origin !== null && allowedOrigins.includes(origin)) return
  const site = request.headers.get('Sec-Fetch-Site')
  const isOwn = site === null ? origin === null || isOwnHost(origin, request) : SAME_SITES.includes(site)
  if (!isOwn) throw crossOrigin(origin)
}

/** `none` is the user, in person. */
const SAME_SITES = ['same-origin', 'none']

/**
 * The host that the browser addressed is in the `Host` header. The URL names it, too, where the host's server has made it out
 * of what a proxy says that it trusts; in Next it names the server itself. The scheme is left out: behind a proxy that ends
 * TLS the two differ.
 */
function isOwnHost(origin: string, request: Request): boolean {
  const from = URL.parse(origin)
  if (from?.protocol !== 'http:' && from?.protocol !== 'https:') return false
  if (from.host === new URL(request.url).host) return true
  const host = request.headers.get('Host')
  // Some proxies name the port that the scheme implies.
  return host !== null && from.host === URL.parse(`${from.protocol}//${host}`)?.host
}

function crossOrigin(origin: string | null): Problem {
  const from = origin === null ? 'other origins' : describe(origin)
  const remedy = 'to allow an origin, or where a proxy rewrites the Host header, name it in `allowedOrigins`'
  return new Problem(403, 'CROSS_ORIGIN', `Requests from ${from} are not allowed; ${remedy}`)
}

/** What lets a page of an allowed origin read an answer; nothing for any other. */
export function crossOriginHeaders(
  request: Request,
  allowedOrigins: readonly string[],
): Readonly<Record<string, string>> {
  if (allowedOrigins.length === 0) return {}
  const origin = request.headers.get('Origin')
  // Caches must not take an answer to one origin for an answer to another.
  if (origin === null || !allowedOrigins.includes(origin)) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'Location, Retry-After',
    ...(request.method === 'OPTIONS' && {
      'Access-Control-Allow-Methods': 'GET, POST',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key',
      'Access-Control-Max-Age': '600',
    }),
  }
}
