import type { Browser, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RecalcService } from '../../src/index.ts'
import { connectChromium } from '../support/chromium.ts'
import { gate } from '../support/gate.ts'
import { isLong } from '../support/runs.ts'
import { type ConsoleHost, consoleHost } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { arrive, enter, jobFragment } from './visit.ts'

// A server in trouble is not made worse by those who look at it: requests are counted against the page's own clock, which
// goes as fast as it is told to.

const held = gate()
let browser: Browser
let service: RecalcService
let host: ConsoleHost
let runningId: string

beforeAll(async () => {
  service = consoleService({
    employees: manyEmployees(300),
    block: { employees: 10, days: 31 },
    concurrency: 1,
    fails: ({ date }) => (date === '2025-03-04' ? 'No rate' : undefined),
    beforeBlock: async ({ employeeIds }) => {
      if (employeeIds.includes('e0020')) await held.pass()
    },
  })
  host = await consoleHost(service)
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-03-01', to: '2025-03-31' })
  await held.arrived
  runningId = job.id
  browser = await connectChromium()
})

afterAll(async () => {
  await service.cancelJob(runningId)
  held.open()
  await browser.close()
  await host.stop()
  await service.stop()
})

const SECONDS = isLong ? 20 : 10

/** How an endpoint fails. */
const FAILURES: readonly (readonly [string, (route: Route) => Promise<void>])[] = Object.entries({
  'answers 500': (route) => route.fulfill({ status: 500, json: { detail: 'Broken' } }),
  'answers 429 without saying until when': (route) => route.fulfill({ status: 429 }),
  'answers 404': (route) => route.fulfill({ status: 404, json: { detail: 'Gone' } }),
  'breaks the connection': (route) => route.abort('connectionreset'),
  'answers with a page of some proxy': (route) =>
    route.fulfill({ status: 200, contentType: 'text/html', body: '<p>Sorry' }),
  'answers with JSON of something else': (route) => route.fulfill({ status: 200, json: { ok: true } }),
})

/** When the page has asked for something, and when it has got the first answer of `endpoint`, by its own clock. */
interface Asked {
  readonly at: readonly number[]
  readonly failedAt: number
}

function record(endpoint: string): string {
  return `{
    const own = fetch
    let begun
    globalThis.asked = { at: [], failedAt: Infinity }
    globalThis.fetch = (url, init) => {
      begun ??= performance.now()
      asked.at.push(performance.now() - begun)
      const answer = own(url, init)
      const told = () => { if (String(url).includes('/${endpoint}')) asked.failedAt = Math.min(asked.failedAt, performance.now() - begun) }
      answer.then(told, told)
      return answer
    }
  }`
}

/** Lets `SECONDS` of the page's clock pass, each with time for the answers to arrive. */
async function askedBy(page: Page, again = async () => {}): Promise<Asked> {
  const open = new Set<unknown>()
  page.on('request', (request) => {
    if (!request.url().includes('/stream/')) open.add(request)
  })
  page.on('requestfinished', (request) => open.delete(request))
  page.on('requestfailed', (request) => open.delete(request))
  // On a busy machine the page's clock runs ahead of the answers: what counts are seconds behind the failure.
  for (let second = 0, behind = 0; second < SECONDS || (behind < SECONDS / 2 && second < 60); second += 1) {
    await again()
    await page.clock.runFor(1_000)
    await expect.poll(() => open.size, { interval: 10 }).toBe(0)
    if (await page.evaluate('asked.failedAt < Infinity')) behind += 1
  }
  return await page.evaluate<Asked>('asked')
}

/** Where an endpoint is asked by whom. */
interface Asking {
  readonly endpoint: string
  readonly fragment?: () => string
  /** What somebody does so that it is asked. */
  begin?(page: Page): Promise<void>
  /** What somebody without patience presses again and again. */
  readonly again?: string
}

const ofJob = ['me', 'jobs', 'status', 'employees', 'errors', 'stream'].map((endpoint) => ({ endpoint }))
const ASKING: readonly Asking[] = [
  ...ofJob,
  { endpoint: 'freshness', fragment: () => '#/freshness/acme' },
  { endpoint: 'dirty', fragment: () => '#/freshness/acme' },
  { endpoint: 'corrections', fragment: () => '#/corrections/acme?month=2025-01', again: 'Look again' },
  {
    endpoint: 'preview',
    fragment: () => '#/start',
    async begin(page) {
      await page.getByLabel('First day').fill('2025-03-01')
      await page.getByLabel('Last day').fill('2025-03-02')
      await page.getByRole('button', { name: 'Estimate' }).click()
      await page.getByRole('button', { name: 'Preview' }).click()
    },
    again: 'Look again',
  },
  {
    endpoint: 'history',
    async begin(page) {
      await page.getByRole('gridcell').focus()
      await page.getByRole('button', { name: 'History of this day' }).click()
    },
    again: 'istory',
  },
]

/** Every endpoint fails in two ways, and each way is tried at two endpoints or more; in the long form all are tried at all. */
const isTried = (endpoint: number, failure: number) => isLong || (endpoint + failure) % 3 === 0

for (const [number, { endpoint, fragment = () => jobFragment(runningId), begin, again = '' }] of ASKING.entries()) {
  test(`whatever way /${endpoint} fails in, the page asks for at most one thing a second`, async () => {
    await using visit = await enter(browser, host)
    const { page } = visit
    await page.clock.install()
    await page.addInitScript(record(endpoint))
    for (const [failure, fail] of FAILURES.filter((_, failure) => isTried(number, failure))) {
      await page.unrouteAll()
      await page.goto('about:blank')
      await page.route(`**/${endpoint}{,/**,\\?**}`, fail)
      await page.goto(host.url + fragment())
      await begin?.(page)
      const press = `for (const it of document.querySelectorAll('main button')) if (${JSON.stringify(again)} && it.textContent.includes(${JSON.stringify(again)})) it.click()`
      const { at, failedAt } = await askedBy(page, async () => void (await page.evaluate(press)))
      // The page has read the answer by then: its clock leaps by a second.
      const later = at.filter((time) => time > failedAt + 1_100)
      const gaps = later.map((time) => time - (at[at.indexOf(time) - 1] ?? 0))
      expect(failedAt, failure).toBeLessThan(Number.POSITIVE_INFINITY)
      expect(Math.min(...gaps), `${failure}: ${gaps.join(' ')}`).toBeGreaterThan(900)
      expect(at.length - later.length, failure).toBeLessThanOrEqual(8 + Math.floor(failedAt / 1_000))
    }
  })
}

test('a server that is away altogether is asked ever more seldom, and found again when it is back', async () => {
  await using visit = await arrive(browser, host)
  const { page } = visit
  await page.addInitScript(record('me'))
  await page.clock.install()
  await page.route('**/recalc/**', (route) => route.abort('connectionrefused'))
  await page.reload()
  const { at } = await askedBy(page)
  // After 1 to 2, 2 to 4, 4 to 8 … seconds.
  expect(at.length, at.join(' ')).toBeLessThanOrEqual(5)
  await page.getByText('The server cannot be reached. Trying again…').waitFor()
  await page.unrouteAll()
  await page.clock.runFor(31_000)
  await page.getByLabel('Key', { exact: true }).waitFor()
})
