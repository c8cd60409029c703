import type { Browser } from 'playwright-core'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { connectChromium } from '../support/chromium.ts'
import { faultsOf } from './accessibility.ts'
import { consoleHost, READER_KEY } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { enter } from './visit.ts'

let browser: Browser
const cleanUps: (() => Promise<void>)[] = []

beforeAll(async () => {
  browser = await connectChromium()
  return () => browser.close()
})

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** Somebody's bookings have changed; one day of theirs fails, another one is closed. */
async function withChanges() {
  const today = new Date().toISOString().slice(0, 10)
  const closed = new Map([['e0002', today]])
  const broken = new Set(['e0001'])
  const service = consoleService({
    employees: manyEmployees(3),
    closedPeriods: { closedThrough: async () => closed },
    fails: ({ employeeId }) => (broken.has(employeeId) ? `No rate for ${employeeId}` : undefined),
  })
  const host = await consoleHost(service)
  cleanUps.push(() => service.stop(), host.stop)
  for (const employeeId of ['e0000', 'e0001', 'e0002']) {
    await service.noteChange(undefined, {
      tenantId: 'acme',
      employeeId,
      table: 'bookings',
      dates: { from: today, to: today },
    })
  }
  return { host, service, closed, broken, today }
}

test('one sees what is not settled, settles it, and reads what fails and what is held', async () => {
  const { host, service, closed, broken } = await withChanges()
  await using visit = await enter(browser, host, '#/freshness')
  const { page } = visit
  const cells = async () => (await page.locator('tbody tr').first().locator('td').allTextContents()).slice(1, 3)
  await page.getByRole('link', { name: 'acme' }).waitFor()
  expect(await cells()).toEqual(['3', '3'])

  await page.getByRole('button', { name: 'Settle now, acme' }).click()
  await page.getByText('acme: 2 days calculated, failed: 1.').waitFor()
  expect(await cells()).toEqual(['2', '2'])
  await page.getByRole('link', { name: 'acme' }).click()
  await page.getByText('No rate for e0001 (BAD_BOOKING)').waitFor()
  await page.getByRole('cell', { name: 'held' }).waitFor()
  expect(await faultsOf(page)).toEqual([])

  closed.clear()
  broken.clear()
  await page.getByRole('button', { name: 'Release, acme' }).click()
  await page.getByText('acme: 1 change looked at again.').waitFor()
  await page.getByRole('button', { name: 'Settle now, acme' }).click()
  await page.getByText('There are none.').waitFor()
  expect(await service.freshness()).toMatchObject({ changes: 0 })
  expect(visit.faults).toEqual([])
})

test('who may only read sees it and cannot settle', async () => {
  const { host } = await withChanges()
  await using visit = await enter(browser, host, '#/freshness', { key: READER_KEY })
  await visit.page.getByRole('link', { name: 'acme' }).waitFor()
  expect(await visit.page.getByRole('button', { name: 'Settle now, acme' }).count()).toBe(0)
})

test('while nobody does anything it asks for each of its lists every three seconds, not more often', async () => {
  const { host } = await withChanges()
  await using visit = await enter(browser, host, '#/freshness/acme')
  const { page } = visit
  await page.getByRole('cell', { name: 'e0001' }).waitFor()
  await page.clock.install()
  const asked: string[] = []
  const answered: string[] = []
  const nameOf = (url: string) => new URL(url).pathname.split('/').at(-1) ?? ''
  page.on('request', (request) => asked.push(nameOf(request.url())))
  page.on('requestfinished', (request) => answered.push(nameOf(request.url())))
  await page.clock.pauseAt(Date.now() + 60_000)
  for (let look = 0; look < 3; look++) {
    asked.length = 0
    await page.clock.runFor(3_000)
    await expect.poll(() => answered.toSorted()).toEqual(['dirty', 'freshness'])
    answered.length = 0
    await page.evaluate('0') // the answers were read
    asked.length = 0
    await page.clock.runFor(2_500)
    expect(asked).toEqual([])
  }
})
