import { contentSecurityPolicy, html } from 'virtual:console-page'

/** The administrator's console as one page: it holds no data, and finds the API where it was loaded from itself. */
export interface ConsolePage {
  readonly html: string
  /** Allows the page its own script and style and its own origin, and nothing else. */
  readonly contentSecurityPolicy: string
}

export function consolePage(): ConsolePage {
  return { html, contentSecurityPolicy }
}
