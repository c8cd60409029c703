import { consolePage } from './console/index.ts'

/** The console, for everybody: it holds no data, and asks for the key itself. */
export function consoleResponse(): Response {
  const { html, contentSecurityPolicy } = consolePage()
  return new Response(html, {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': contentSecurityPolicy,
      'Referrer-Policy': 'no-referrer',
    },
  })
}
