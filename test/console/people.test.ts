import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RecalcService } from '../../src/index.ts'
import { connectChromium } from '../support/chromium.ts'
import { gate } from '../support/gate.ts'
import { faultsOf } from './accessibility.ts'
import { type ConsoleHost, consoleHost, KEY } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { arrive, enter, jobFragment, tabTo } from './visit.ts'

// A page for everybody: with keys only, with a screen reader, in light and dark, on a telephone.

let browser: Browser
let service: RecalcService
let host: ConsoleHost
let ended: string
let running: string
const held = gate()

beforeAll(async () => {
  service = consoleService({
    employees: manyEmployees(40),
    block: { employees: 10, days: 31 },
    concurrency: 1,
    fails: ({ employeeId, date }) =>
      employeeId === 'e0003' && date === '2025-03-04'
        ? `No rate is known for anAwfullyLongIdentifierThatNobodyBreaksIntoLines${'X'.repeat(80)}`
        : undefined,
    beforeBlock: async ({ employeeIds, tenantId }) => {
      if (tenantId === 'globex' && employeeIds.includes('e0020')) await held.pass()
    },
  })
  host = await consoleHost(service, { tenants: ['acme', 'globex', 'initech'] })
  const march = { from: '2025-03-01', to: '2025-03-31' }
  const first = await service.triggerRecalcAllAsync({ tenantId: 'acme', ...march }, { reason: 'New rates' })
  await first.result
  const second = await service.triggerRecalcAllAsync({ tenantId: 'globex', ...march })
  await held.arrived
  ended = first.id
  running = second.id
  browser = await connectChromium()
})

afterAll(async () => {
  held.open()
  await browser.close()
  await host.stop()
  await service.stop()
})

const PLACE = {
  employee_id: `<b>${'Nobody-breaks-me'.repeat(10)}</b>`,
  start_date: '2025-03-01',
  end_date: '2025-03-31',
  stage: `balances${'X'.repeat(60)}`,
}
const FAILED = {
  ...PLACE,
  date: '2025-03-04',
  through: null,
  code: 'BAD',
  message: `No ${'rate'.repeat(40)}`,
  attempts: 1,
}
const linesOf = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

const PREVIEWED = linesOf([
  { type: 'difference', ...PLACE, kind: 'update', before: { pay: 1e9, note: 'n'.repeat(90) }, after: { pay: 2.5 } },
  {
    ...{
      type: 'summary',
      days: 1e9,
      changed_days: 1,
      closed_days: 0,
      failed_days: 1,
      inserts: 0,
      updates: 1,
      deletes: 0,
    },
    ...{ errors: [FAILED], totals: { [PLACE.stage]: { pay: { before: 1e9, after: 2.5 } } }, left_out: ['summary'] },
  },
])

const OWED = linesOf([
  {
    ...{ type: 'correction', id: 'c', ...PLACE, stored: { pay: 1, hours: 8 }, right: { pay: 1e9, hours: 9 } },
    ...{ taken: { pay: 0.5 }, difference: { pay: 999_999_998.5, hours: 1 } },
  },
  { type: 'correction', ...PLACE, id: 'd', stored: 'a', right: 'b', taken: {}, difference: {} },
  {
    ...{ type: 'summary', corrections: 2, totals: { [PLACE.stage]: { pay: 999_999_998.5, hours: 1 } } },
    ...{ failed_days: 1, failed_periods: 1, errors: [FAILED] },
  },
])

/** Every view of the console, one after the other. */
async function eachView(options: BrowserContextOptions, look: (page: Page, view: string) => Promise<void>) {
  await using locked = await arrive(browser, host, '', options)
  await locked.page.getByLabel('Key', { exact: true }).waitFor()
  await look(locked.page, 'key')

  await using visit = await enter(browser, host, '', options)
  const { page } = visit
  await page.getByRole('link', { name: /acme/ }).waitFor()
  await look(page, 'jobs')
  for (const [id, view] of [
    [ended, 'ended job'],
    [running, 'running job'],
  ] as const) {
    await page.goto(host.url + jobFragment(id))
    await page.getByRole('rowheader', { name: 'Employee 0003' }).waitFor()
    await page.getByText('1 failure, 1 message').waitFor()
    // A group that is alone is open.
    await page.getByRole('button', { name: 'show e0003 in the grid' }).waitFor()
    await look(page, view)
  }
  await page.getByRole('gridcell').focus()
  await look(page, 'job with the focus in its grid')
  await page.getByRole('button', { name: 'Cancel job' }).click()
  await look(page, 'dialog')
  await page.keyboard.press('Escape')
  await page.goto(`${host.url}#/start`)
  await page.locator('#tenant').fill('initech')
  for (const name of ['Employees', 'Tables']) {
    await page.getByRole('group', { name, exact: true }).getByRole('radio', { name: 'Only these' }).check()
  }
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByText('Enter the first day.').waitFor()
  await look(page, 'form with errors')
  await page.getByLabel('First day').fill('2025-03-01')
  await page.getByLabel('Last day').fill('2025-03-31')
  await page.locator('#employees').fill('e0001')
  await page.getByRole('checkbox', { name: 'balances' }).check()
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByRole('button', { name: 'Start the job' }).waitFor()
  await look(page, 'estimate')
  await page.route('**/preview', (route) => route.fulfill({ body: PREVIEWED }))
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.locator('#preview .groups summary').last().click()
  await look(page, 'preview')
  await page.route('**/corrections?*', (route) => route.fulfill({ body: OWED }))
  await page.goto(`${host.url}#/corrections/acme?month=2025-03`)
  await page.getByRole('checkbox').first().check()
  await look(page, 'corrections')
  await page.getByRole('button', { name: /Take over/ }).click()
  await look(page, 'dialog of corrections')
  await page.keyboard.press('Escape')
  expect(visit.faults).toEqual([])
}

const WIDTHS = [320, 360, 600, 768, 1_280, 1_920]

test(`nothing makes the page scroll sideways at ${WIDTHS.join(', ')} pixels`, async () => {
  await eachView({}, async (page, view) => {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 })
      const beyond = () => page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
      await expect.poll(beyond, { message: `${view} at ${width}` }).toBe(0)
    }
  })
})

test('axe finds nothing wrong with any view, be it light or dark', async () => {
  await eachView({ reducedMotion: 'reduce' }, async (page, view) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      expect({ view, colorScheme, faults: await faultsOf(page) }).toEqual({ view, colorScheme, faults: [] })
    }
  })
})

test('dark is dark', async () => {
  const back = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
  await using light = await arrive(browser, host, '', { colorScheme: 'light' })
  await using dark = await arrive(browser, host, '', { colorScheme: 'dark' })
  expect(await back(light.page)).toBe('rgb(244, 245, 247)')
  expect(await back(dark.page)).toBe('rgb(14, 17, 22)')
})

test('nothing moves for those who asked for that', async () => {
  await using visit = await enter(browser, host, jobFragment(running), { reducedMotion: 'reduce' })
  await visit.page.getByRole('rowheader', { name: 'Employee 0003' }).waitFor()
  expect(await visit.page.evaluate('document.getAnimations().length')).toBe(0)
  const moving = `[...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).transitionDuration !== '0s').length`
  expect(await visit.page.evaluate(moving)).toBe(0)
})

test('everything that can be worked has a name, and every field says what is wrong with it', async () => {
  await eachView({}, async (page, view) => {
    const session = await page.context().newCDPSession(page)
    const { nodes } = await session.send('Accessibility.getFullAXTree')
    const worked = /^(button|link|textbox|combobox|checkbox|radio|gridcell|grid|dialog|progressbar|Date)/
    const nameless = nodes
      .filter(({ ignored, role }) => !ignored && worked.test(role?.value))
      .filter(({ name }) => !name?.value)
      .map(({ role }) => role?.value)
    expect({ view, nameless }).toEqual({ view, nameless: [] })
    await session.detach()
  })
  await using visit = await enter(browser, host, '#/start')
  await visit.page.getByRole('button', { name: 'Estimate' }).click()
  const description = `document.getElementById(document.getElementById('start-date').getAttribute('aria-describedby')).textContent`
  expect(await visit.page.evaluate(description)).toBe('Enter the first day.')
})

test('a job is started, looked at and cancelled with the keyboard alone', async () => {
  const hold = gate()
  const own = consoleService({ employees: manyEmployees(3), beforeBlock: () => hold.pass() })
  const ownHost = await consoleHost(own)
  await using visit = await arrive(browser, ownHost)
  const { page } = visit
  const focusedId = () => page.evaluate<string>('document.activeElement.id')
  await page.getByLabel('Key', { exact: true }).waitFor()
  await page.keyboard.type(KEY)
  await page.keyboard.press('Enter')
  await expect.poll(focusedId).toBe('jobs-title')
  await tabTo(page, 'New job', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect.poll(focusedId).toBe('start-title')

  await tabTo(page, 'First day')
  await page.keyboard.type('2025-03-01')
  await tabTo(page, 'Last day')
  await page.keyboard.type('2025-03-31')
  await page.keyboard.press('Enter')
  await expect.poll(focusedId).toBe('estimate')
  await tabTo(page, 'Start the job')
  await page.keyboard.press('Enter')
  await expect.poll(focusedId).toBe('job-title')
  await page.getByRole('rowheader', { name: 'Employee 0000' }).waitFor()

  await tabTo(page, 'Employee 0000 (e0000), 2025-03-01: waiting')
  await page.keyboard.press('ArrowDown')
  await page.getByRole('gridcell', { name: 'Employee 0001 (e0001), 2025-03-01: waiting' }).waitFor()
  await tabTo(page, 'Cancel job', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect.poll(focusedId).toBe('cancel-reason')
  await page.keyboard.press('Escape')
  await expect.poll(focusedId).toBe('cancel-button')
  await page.locator('dialog').waitFor({ state: 'detached' }) // its focus goes before it does
  await page.keyboard.press('Enter')
  await expect.poll(focusedId).toBe('cancel-reason') // until then Tab leads through the page
  await tabTo(page, 'Cancel the job')
  const cancelled = page.waitForResponse((response) => response.url().includes('/cancel/'))
  await page.keyboard.press('Enter')
  await cancelled // or the job might end first
  hold.open()
  await page.locator('#job-status', { hasText: 'Cancelled' }).waitFor()
  // The button is gone; the focus is not.
  await expect.poll(focusedId).toBe('job-title')
  await visit[Symbol.asyncDispose]()
  await ownHost.stop()
  await own.stop()
})
