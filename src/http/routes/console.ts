import { z } from 'zod'
import { consoleResponse } from '../console-page.ts'
import { route } from '../route.ts'

/** The page for administrators. */
export const consoleRoute = route(
  {
    method: 'GET',
    path: '/',
    action: null,
    name: 'console',
    summary: 'The console: a page that holds no data and asks for the credentials itself',
    answers: { 200: { description: 'The page', schema: z.string(), contentType: 'text/html' } },
  },
  async () => consoleResponse(),
)
