import type { Browser, Page } from 'playwright-core'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { connectChromium } from '../support/chromium.ts'
import { gate } from '../support/gate.ts'
import { faultsOf } from './accessibility.ts'
import { AUDITOR_KEY, consoleHost } from './console-host.ts'
import { manyEmployees } from './console-service.ts'
import { paidService } from './paid-service.ts'
import { enter, savedBy } from './visit.ts'

let browser: Browser

beforeAll(async () => {
  browser = await connectChromium()
  return () => browser.close()
})

type Paid = Parameters<typeof paidService>[0]

/** January was paid at 20 an hour; by now it is 21. */
async function withNewRate({ employees = manyEmployees(3), ...options }: Partial<Paid> = {}) {
  const paid = await paidService({ employees, ...options })
  const host = await consoleHost(paid.service)
  onTestFinished(async () => {
    await host.stop()
    await paid.service.stop()
  })
  await paid.service.triggerRecalcAll({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-31' })
  paid.present.rate = 21
  return { ...paid, host }
}

async function estimate(page: Page, from = '2025-01-31', to = '2025-02-01') {
  await page.getByLabel('First day').fill(from)
  await page.getByLabel('Last day').fill(to)
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByRole('region', { name: 'Estimate' }).waitFor()
}

test('before a job is started one sees what it would change: the totals, then each field’s differences', async () => {
  const { host, service, rows } = await withNewRate()
  const before = new Map(rows)
  await using visit = await enter(browser, host, '#/start')
  const { page, faults } = visit
  await estimate(page)
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByText('6 differences.').waitFor()
  expect(await page.locator('#preview-tiles > div').allTextContents()).toEqual([
    ...['Days looked at6', 'Days changed6', 'Inserted3', 'Updated3', 'Deleted0', 'Failed, blocked0', 'Closed0'],
  ])
  const totals = page.getByRole('table', { name: 'Totals of all differences' })
  expect(await totals.locator('tbody tr').allInnerTexts()).toEqual([
    'pay\tminutes\t1,440\t2,880\t+1,440',
    'pay\tpay\t480\t1,008\t+528',
  ])
  await page.getByText('A preview writes nothing, and leaves out what comes last: summary.').waitFor()
  const groups = page.locator('#preview .groups summary')
  expect(await groups.allInnerTexts()).toHaveLength(3)

  await groups.filter({ hasText: 'note' }).click()
  const notes = page.getByRole('table', { name: 'pay, note' })
  expect(await notes.locator('tbody tr').first().innerText()).toBe('e0000\t2025-01-31\tat 20\tat 21\tupdate')
  expect(await faultsOf(page)).toEqual([])
  await page.getByLabel('Search the differences').fill('E0001')
  await expect.poll(() => notes.locator('tbody tr').count()).toBe(2)
  const { name, lines } = await savedBy(page, 'Download CSV')
  expect(name).toBe('preview-acme.csv')
  expect(lines).toEqual([
    'employee_id,start_date,end_date,stage,kind,field,before,after',
    'e0001,2025-01-31,2025-01-31,pay,update,pay,160,168',
    'e0001,2025-01-31,2025-01-31,pay,update,note,at 20,at 21',
    'e0001,2025-02-01,2025-02-01,pay,insert,minutes,,480',
    'e0001,2025-02-01,2025-02-01,pay,insert,pay,,168',
    'e0001,2025-02-01,2025-02-01,pay,insert,note,,at 21',
  ])
  expect(new Map(rows)).toEqual(before)

  await page.getByRole('button', { name: 'Start the job' }).click()
  await page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  expect(rows.size).toBe(96)
  expect(await service.listJobs()).toHaveLength(1)
  expect(faults).toEqual([])
})

test('closed days are left alone, looked at, or the only ones, as one chooses', async () => {
  const { host, present } = await withNewRate({ closedThrough: '2025-01-31' })
  present.isClosed = true
  await using visit = await enter(browser, host, '#/start')
  const { page } = visit
  await estimate(page)
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByText('3 differences.').waitFor()
  await page.getByLabel('Closed days').selectOption('include')
  await page.getByText('6 differences.').waitFor()
  await page.getByLabel('Closed days').selectOption('only')
  await page.getByText('3 differences.').waitFor()
  const totals = page.getByRole('table', { name: 'Totals of all differences' })
  await totals.getByText('+24').waitFor()
})

test('what would fail is told with its message', async () => {
  const { host } = await withNewRate({
    fails: ({ employeeId, date }) =>
      employeeId === 'e0001' && date === '2025-02-01' ? '<b>No rate</b> for e0001' : undefined,
  })
  await using visit = await enter(browser, host, '#/start')
  const { page } = visit
  await estimate(page)
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByRole('region', { name: 'What would fail' }).getByText('<b>No rate</b> for ‹employee›').waitFor()
})

test('no more is kept than a browser can hold, all is counted, and that is told', async () => {
  const { host } = await withNewRate({ employees: manyEmployees(190) })
  await using visit = await enter(browser, host, '#/start')
  const { page } = visit
  await estimate(page, '2025-01-01', '2025-01-31')
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByText('5,890 differences; the first 5,000 are shown.').waitFor()
  const counts = page.locator('#preview .groups summary strong')
  expect(await counts.allInnerTexts()).toEqual(['5,000 ×', '5,000 ×'])
})

test('it ends when one leaves the view, changes what is asked for, or stops it', async () => {
  const held = gate()
  let isHeld = false
  const { host } = await withNewRate({
    employees: manyEmployees(200),
    beforeBlock: async ({ employeeIds }) => {
      if (isHeld && employeeIds.includes('e0150')) await held.pass()
    },
  })
  onTestFinished(() => held.open())
  isHeld = true
  await using visit = await enter(browser, host, '#/start')
  const { page } = visit
  const ended = () => page.waitForEvent('requestfailed', (request) => request.url().endsWith('/preview'))
  await estimate(page)
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.getByText(/Looking… \d+ differences as yet\./).waitFor()
  const stopped = ended()
  await page.getByRole('button', { name: 'Stop' }).click()
  await stopped
  await page.getByText(/Stopped\. \d+ differences until then\./).waitFor()

  for (const leave of [
    () => page.getByLabel('Last day').fill('2025-02-02'),
    () => page.getByRole('link', { name: 'Jobs' }).click(),
  ]) {
    await estimate(page)
    await page.getByRole('button', { name: 'Preview' }).click()
    await page.getByText(/Looking… \d+ differences as yet\./).waitFor()
    const left = ended()
    await leave()
    await left
    await page.locator('#preview').waitFor({ state: 'detached' })
  }
})

test('an answer that breaks off, is none, or says what went wrong is told as that, and can be asked for again', async () => {
  const { host } = await withNewRate()
  await using visit = await enter(browser, host, '#/start')
  const { page } = visit
  await estimate(page)
  const line = JSON.stringify({
    ...{ type: 'difference', employee_id: 'ann', start_date: '2025-01-01', end_date: '2025-01-01' },
    ...{ stage: 'pay', kind: 'delete', before: 1, after: null },
  })
  const answers = [
    [`${line}\n`, 'The answer broke off before its end.'],
    [`${line}\n{"type":"error","code":"X","message":"No more of it"}\n`, 'No more of it'],
    ['<html>', 'The server’s answer is not this API’s.'],
  ] as const
  let number = 0
  await page.route('**/preview', (route) => route.fulfill({ status: 200, body: answers[number++]?.[0] ?? '' }))
  await page.getByRole('button', { name: 'Preview' }).click()
  const told = (words: string) => page.getByRole('alert').filter({ hasText: words }).waitFor()
  const lookAgain = () => page.getByRole('button', { name: 'Look again' }).click()
  await told(answers[0][1])
  for (const [, words] of answers.slice(1)) {
    await lookAgain()
    await told(words)
  }
  await page.unrouteAll()
  await lookAgain()
  await page.getByText('6 differences.').waitFor()
})

test('who may preview and not start sees just that, and who may not preview is not offered it', async () => {
  const { host } = await withNewRate()
  await using auditor = await enter(browser, host, '#/start', { key: AUDITOR_KEY })
  await estimate(auditor.page)
  await auditor.page.getByRole('button', { name: 'Preview' }).waitFor()
  expect(await auditor.page.getByRole('button', { name: 'Start the job' }).count()).toBe(0)
})

test('what held changes would do is previewed beside their release', async () => {
  const { host, service, present } = await withNewRate({ closedThrough: '2025-01-31' })
  present.isClosed = true
  await service.noteChange(new Map(), {
    ...{ tenantId: 'acme', employeeId: 'e0001', table: 'bookings' },
    dates: { from: '2025-01-30', to: '2025-01-31' },
  })
  await service.settle({ tenantId: 'acme' })
  await using visit = await enter(browser, host, '#/freshness')
  const { page, faults } = visit
  await page.getByRole('button', { name: 'Preview, acme' }).click()
  await page.getByRole('heading', { name: 'What the held changes of acme would do' }).waitFor()
  await page.locator('#preview').getByText('2 differences.').waitFor()
  const totals = page.getByRole('table', { name: 'Totals of all differences' })
  expect(await totals.locator('tbody tr').last().innerText()).toBe('pay\tpay\t320\t336\t+16')
  expect(faults).toEqual([])
})
