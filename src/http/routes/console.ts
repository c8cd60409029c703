import { contentSecurityPolicy, html } from 'virtual:console-page'
import { z } from 'zod'
import { route } from './route.ts'

/** The page for administrators. It holds no data, and finds the API where it was loaded from itself. */
export const consoleRoute = route(
  {
    method: 'GET',
    path: '/',
    action: null,
    name: 'console',
    summary: 'The console: a page that holds no data and asks for the credentials itself',
    answers: { 200: { description: 'The page', schema: z.string(), contentType: 'text/html' } },
  },
  async () =>
    new Response(html, {
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        // Allows the page its own script and style and its own origin, and nothing else.
        'Content-Security-Policy': contentSecurityPolicy,
        'Referrer-Policy': 'no-referrer',
      },
    }),
)
