import type { Browser, Page } from 'playwright-core'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { memoryBackend } from '../../src/index.ts'
import { connectChromium } from '../support/chromium.ts'
import { Database } from '../support/database.ts'
import { gate } from '../support/gate.ts'
import { faultsOf } from './accessibility.ts'
import { consoleHost } from './console-host.ts'
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

async function office(beforeBlock?: () => Promise<void>) {
  const backend = memoryBackend({ unitOfWork: new Database().connect() }) as never // whatever its transactions are
  const service = consoleService({ backend, employees: manyEmployees(3), ...(beforeBlock && { beforeBlock }) })
  const host = await consoleHost(service)
  cleanUps.push(() => service.stop(), host.stop)
  return host
}

async function estimated(page: Page): Promise<void> {
  await page.getByLabel('First day').fill('2025-03-01')
  await page.getByLabel('Last day').fill('2025-03-04')
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByRole('heading', { name: 'Estimate' }).waitFor()
}

test('a preview tells sums first, then what is different by field, to be searched and saved', async () => {
  await using visit = await enter(browser, await office(), '#/start')
  const { page } = visit
  await estimated(page)
  await page.getByRole('button', { name: 'Preview' }).click()
  const panel = page.locator('#preview')
  await panel.getByText('12 of 12 employee-days would change; values: 12 new.').waitFor()
  await panel.getByText('Not looked at, because they are about the whole tenant: summary.').waitFor()
  const sums = await panel.locator('table').first().locator('tbody tr').allInnerTexts()
  expect(sums.map((row) => row.split(/\s+/))).toEqual([['balances', '0', '30']])
  const rows = panel.locator('.groups tbody tr')
  expect(await rows.count()).toBe(12)
  expect(await faultsOf(page)).toEqual([])

  await panel.getByLabel('Find').fill('e0001')
  await expect.poll(() => rows.count()).toBe(4)
  await panel.getByLabel('Find').fill('2025-03-04')
  await expect.poll(() => rows.count()).toBe(3)
  const saving = page.waitForEvent('download')
  await panel.getByRole('button', { name: 'Download CSV' }).click()
  const download = await saving
  expect(download.suggestedFilename()).toBe('preview-2025-03-01.csv')

  await page.getByLabel('Last day').fill('2025-03-05')
  await panel.waitFor({ state: 'detached' })
})

test('a preview that takes long can be stopped', async () => {
  const hold = gate()
  await using visit = await enter(browser, await office(() => hold.pass()), '#/start')
  const { page } = visit
  await estimated(page)
  await page.getByRole('button', { name: 'Preview' }).click()
  await hold.arrived
  await page.getByText('Looking… 0 found so far').waitFor()
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByText('Stopped.').waitFor()
  hold.open()
})
