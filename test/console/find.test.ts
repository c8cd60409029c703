import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RecalcService } from '../../src/index.ts'
import { connectChromium } from '../support/chromium.ts'
import { type ConsoleHost, consoleHost } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { enter, jobFragment, savedBy } from './visit.ts'

let browser: Browser
let service: RecalcService
let host: ConsoleHost
let jobId: string

/** Seven hundred employees, more than three pages of them, of whom three have a failed day. */
beforeAll(async () => {
  const failing = new Map([
    ['e0003', '2025-03-04'],
    ['e0450', '2025-03-20'],
    ['e0451', '2025-03-02'],
  ])
  service = consoleService({
    employees: manyEmployees(700),
    block: { employees: 100, days: 31 },
    fails: ({ employeeId, date }) => {
      if (failing.get(employeeId) !== date) return undefined
      return employeeId === 'e0003' ? '=No "bookings"' : `No rate for ${employeeId} on ${date}`
    },
  })
  host = await consoleHost(service)
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-03-01', to: '2025-03-31' })
  await job.result
  jobId = job.id
  browser = await connectChromium()
})

afterAll(async () => {
  await browser.close()
  await host.stop()
  await service.stop()
})

async function openGrid() {
  const visit = await enter(browser, host, jobFragment(jobId))
  await visit.page.getByRole('rowheader', { name: 'Employee 0000 e0000' }).waitFor()
  const focused = (name: string) => visit.page.locator(`[role="gridcell"][aria-label^="${name}"]:focus`).waitFor()
  const find = async (text: string) => {
    await visit.page.getByRole('textbox', { name: 'Find an employee or date' }).fill(text)
    await visit.page.getByRole('button', { name: 'Find', exact: true }).click()
  }
  return { ...visit, focused, find }
}

test('an employee is found by name or id, also far behind what has been read, and the next one after that', async () => {
  await using visit = await openGrid()
  await visit.find('employee 0612')
  await visit.focused('Employee 0612 (e0612), 2025-03-01')
  await visit.find('E061')
  await visit.focused('Employee 0613 (e0613), 2025-03-01')
  await visit.find('e0001')
  await visit.focused('Employee 0001 (e0001), 2025-03-01')
  expect(visit.faults).toEqual([])
})

test('a date is found in the row where one is, and what there is not is said', async () => {
  await using visit = await openGrid()
  await visit.find('2025-03-17')
  await visit.focused('Employee 0000 (e0000), 2025-03-17')
  await visit.find('Nobody')
  await visit.page.getByText('Nothing is called Nobody.').waitFor()
  await visit.find('2026-01')
  await visit.page.getByText('Nothing is called 2026-01.').waitFor()
})

test('one jumps from failed day to failed day through all pages, and around the end', async () => {
  await using visit = await openGrid()
  const next = visit.page.getByRole('button', { name: 'Next failure' })
  await next.click()
  await visit.focused('Employee 0003 (e0003), 2025-03-04: failed: =No')
  await next.click()
  await visit.focused('Employee 0450 (e0450), 2025-03-20: failed')
  await visit.page.keyboard.press('n')
  await visit.focused('Employee 0451 (e0451), 2025-03-02: failed')
  await next.click()
  await visit.focused('Employee 0003 (e0003), 2025-03-04: failed')
  await visit.page.keyboard.press('Shift+N')
  await visit.focused('Employee 0451 (e0451), 2025-03-02: failed')
  await visit.page.getByRole('button', { name: 'Previous failure' }).click()
  await visit.focused('Employee 0450 (e0450), 2025-03-20: failed')
})

test('failures that say the same stand together with their number, and all of them are saved as CSV', async () => {
  await using visit = await openGrid()
  const { page, faults } = visit
  await page.getByText('3 failures, 2 messages').waitFor()
  expect(await page.locator('#failures summary strong').allTextContents()).toEqual(['2 ×', '1 ×'])
  await page.getByText('No rate for ‹employee› on ‹date›').click()
  await page.getByRole('button', { name: '2025-03-20, show e0450 in the grid' }).waitFor()

  const { name, lines } = await savedBy(page, 'Download CSV')
  expect(name).toBe(`failures-${jobId}.csv`)
  expect(lines[0]).toBe('employee_id,name,date,stage,code,message,attempts')
  expect(lines.slice(1).sort()).toEqual([
    `e0003,Employee 0003,2025-03-04,balances,BAD_BOOKING,"'=No ""bookings""",1`,
    'e0450,,2025-03-20,balances,BAD_BOOKING,No rate for e0450 on 2025-03-20,1',
    'e0451,,2025-03-02,balances,BAD_BOOKING,No rate for e0451 on 2025-03-02,1',
  ])
  expect(faults).toEqual([])
})

test('what a failed day said is asked for as soon as one comes to it', async () => {
  await using visit = await enter(browser, host)
  const { page } = visit
  const asked: (string | null)[] = []
  await page.route('**/errors/*', async (route) => {
    const employee = new URL(route.request().url()).searchParams.get('employee_id')
    const failure = { number: 1, employee_id: employee, date: '2025-03-04', stage: 'balances', code: 'C', attempts: 1 }
    asked.push(employee)
    const errors = employee === null ? [] : [{ ...failure, message: 'Asked for' }]
    await route.fulfill({ json: { errors, next: null } })
  })
  await page.goto(host.url + jobFragment(jobId))
  await page.getByRole('rowheader', { name: 'Employee 0000 e0000' }).waitFor()
  await page.getByRole('button', { name: 'Next failure' }).click()
  await page.getByRole('gridcell', { name: 'Employee 0003 (e0003), 2025-03-04: failed: Asked for' }).waitFor()
  expect(asked.filter((employee) => employee !== null)).toEqual(['e0003'])
})

test('closed days are told apart from done ones, and where nobody knows which they are, that is said', async () => {
  await using visit = await enter(browser, host)
  const { page } = visit
  await page.route('**/employees/*', async (route) => {
    const told = await (await route.fetch()).json()
    told.employees[0].closed = [{ from: '2025-03-01', to: '2025-03-01' }]
    told.employees[1].closed = null
    await route.fulfill({ json: told })
  })
  await page.goto(host.url + jobFragment(jobId))
  await page.getByRole('gridcell', { name: 'Employee 0000 (e0000), 2025-03-01: closed' }).focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('gridcell', { name: 'Employee 0001 (e0001), 2025-03-01: done or closed' }).waitFor()
  const legend = page.getByRole('list', { name: 'Legend' }).getByRole('listitem')
  expect((await legend.allTextContents()).map((text) => text.trim())).toEqual([
    ...['done', 'failed', 'blocked', 'closed', 'waiting'],
  ])
})

test('the id of a job is copied', async () => {
  await using visit = await openGrid()
  const { page } = visit
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByRole('button', { name: 'Copy id' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(jobId)
})
