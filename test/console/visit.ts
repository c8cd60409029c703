import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { HANGS_MS } from '../support/limits.ts'
import { type ConsoleHost, KEY } from './console-host.ts'

/** Somebody's visit to the console, in a browser of their own. */
export interface Visit extends AsyncDisposable {
  readonly page: Page
  /** What must not happen on any visit: errors of the script, breaches of the policy, requests to anywhere else. */
  readonly faults: readonly string[]
}

const REPORT_VIOLATIONS = `
  addEventListener('securitypolicyviolation', (event) => console.error('policy violated:', event.violatedDirective, event.blockedURI))
`

/** Opens the console at a fragment, without a key as yet. */
export async function arrive(
  browser: Browser,
  host: ConsoleHost,
  fragment = '',
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(HANGS_MS)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`script: ${error}`))
  page.on('console', (message) => {
    if (/policy/i.test(message.text())) faults.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== host.origin) faults.push(`request: ${request.url()}`)
  })
  await page.addInitScript(REPORT_VIOLATIONS)
  await page.goto(host.url + fragment)
  return { page, faults, [Symbol.asyncDispose]: () => context.close() }
}

/** Opens the console at a fragment, and types the key in. */
export async function enter(
  browser: Browser,
  host: ConsoleHost,
  fragment = '',
  options: BrowserContextOptions & { readonly key?: string } = {},
): Promise<Visit> {
  const { key = KEY, ...context } = options
  const visit = await arrive(browser, host, fragment, context)
  await visit.page.getByLabel('Key', { exact: true }).fill(key)
  await visit.page.getByRole('button', { name: 'Open the console' }).click()
  await visit.page.getByRole('navigation', { name: 'Console' }).waitFor()
  return visit
}

/** Where a job is linked to. */
export function jobFragment(jobId: string): string {
  return `#/jobs/${encodeURIComponent(jobId)}`
}

/** What a button gives to save: the file's name, and its lines. */
export async function savedBy(page: Page, button: string) {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).click(),
  ])
  const chunks: Buffer[] = []
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
  return {
    name: download.suggestedFilename(),
    lines: Buffer.concat(chunks).toString('utf8').replace('\uFEFF', '').trimEnd().split('\r\n'),
  }
}

/** Presses Tab, or Shift+Tab, until what has the focus is called `name`. @throws {Error} with what was come by, when there is no such thing. */
export async function tabTo(page: Page, name: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const passed: string[] = []
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press(key)
    const focused = await page.evaluate<string>(NAME_OF_FOCUSED)
    if (focused === name) return
    passed.push(focused)
  }
  throw new Error(`Expected ${key} to lead to ${name}, it led to ${passed.join(', ')}`)
}

const NAME_OF_FOCUSED = `(() => {
  const focused = document.activeElement
  const label = focused?.labels?.[0]?.textContent ?? focused?.ariaLabel ?? focused?.textContent ?? ''
  return label.trim()
})()`
