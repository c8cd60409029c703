import { Problem } from '../response/problem.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * Keeps pages of other origins from doing things with what a browser sends along by itself, such as cookies. Whoever is no
 * browser says neither `Sec-Fetch-Site` nor `Origin`, and is let through to show its credentials.
 *
 * @throws {Problem} 403.
 */
export function refuseOtherOrigins(request: Request, allowedOrigins: readonly string[]): void {
  if (SAFE_METHODS.includes(request.method)) return
  const origin = request.headers.get('Origin')
  if (origin !== null && allowedOrigins.includes(origin)) return
  const site = request.headers.get('Sec-Fetch-Site')
  const isOwn = site === null ? origin === null || isSameHost(origin, request.url) : SAME_SITES.includes(site)
  if (!isOwn) throw new Problem(403, 'CROSS_ORIGIN', 'Requests from other origins are not allowed')
}

/** `none` is the user, in person. */
const SAME_SITES = ['same-origin', 'none']

/** The scheme is left out: behind a proxy that ends TLS the two differ. */
function isSameHost(origin: string, url: string): boolean {
  return URL.parse(origin)?.host === new URL(url).host
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
