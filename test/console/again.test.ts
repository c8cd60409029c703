import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectChromium } from '../support/chromium.ts'
import { gate } from '../support/gate.ts'
import { consoleHost } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { enter, jobFragment } from './visit.ts'

// What one wants to know of a job that is over, and how one begins it again.

const MARCH = { from: '2025-03-01', to: '2025-03-31' }
let browser: Browser

beforeAll(async () => {
  browser = await connectChromium()
})

afterAll(() => browser.close())

test('why a job was cancelled stands at its top, and what of it was done, without a share that contradicts it', async () => {
  const held = gate()
  const service = consoleService({ employees: manyEmployees(3), beforeBlock: () => held.pass() })
  const host = await consoleHost(service)
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', ...MARCH })
  await held.arrived
  await using visit = await enter(browser, host, jobFragment(job.id))
  const { page } = visit
  await page.getByRole('button', { name: 'Cancel job' }).click()
  await page.getByLabel('Reason').fill('Wrong rates')
  await page.getByRole('button', { name: 'Cancel the job' }).click()
  await page.locator('#why', { hasText: 'Cancelling' }).waitFor()
  held.open()
  await page.locator('#why', { hasText: 'Why it was cancelledWrong rates' }).waitFor()
  expect(await page.locator('#job-days').textContent()).toBe('93 of 93 employee-days; not done: Summing up the tenant')
  expect(await page.locator('#job-days').locator('..').textContent()).not.toContain('%')
  await visit[Symbol.asyncDispose]()
  await host.stop()
  await service.stop()
})

test('why a job failed stands at its top, in the words of the server', async () => {
  const service = consoleService({ employees: manyEmployees(3) })
  const host = await consoleHost(service)
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', ...MARCH })
  await job.result
  await using visit = await enter(browser, host)
  const { page } = visit
  await page.route('**/status/*', async (route) => {
    const told = await (await route.fetch()).json()
    const error = { code: 'CONTRACT', message: 'The stage gave a day twice' }
    await route.fulfill({ json: { ...told, status: 'failed', error } })
  })
  await page.goto(host.url + jobFragment(job.id))
  await page.locator('#why', { hasText: 'Why it failedThe stage gave a day twice (CONTRACT)' }).waitFor()
  await visit[Symbol.asyncDispose]()
  await host.stop()
  await service.stop()
})

test('a job is started again with the settings of an earlier one', async () => {
  const service = consoleService({ employees: manyEmployees(9) })
  const host = await consoleHost(service, { tenants: ['acme', 'globex'] })
  const first = await service.triggerRecalcBatchAsync(
    { tenantId: 'globex', employeeIds: ['e0001', 'e0003'], ...MARCH },
    { reason: 'New rates', tables: ['balances'], clearExisting: false },
  )
  await first.result
  await using visit = await enter(browser, host, jobFragment(first.id))
  const { page, faults } = visit
  await page.getByRole('link', { name: 'Start again with these settings' }).click()
  await page.getByText('With the settings of the job of').waitFor()
  expect(await page.locator('#tenant').inputValue()).toBe('globex')
  expect(await page.getByLabel('First day').inputValue()).toBe(MARCH.from)
  expect(await page.getByLabel('Last day').inputValue()).toBe(MARCH.to)
  expect(await page.locator('#employees').inputValue()).toBe('e0001\ne0003')
  expect(await page.locator('#reason').inputValue()).toBe('New rates')
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByRole('button', { name: 'Start the job' }).click()
  await page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  expect(await service.listJobs()).toMatchObject([
    {
      kind: 'batch',
      tenantId: 'globex',
      totalDays: 62,
      reason: 'New rates',
      tables: ['balances'],
      clearExisting: false,
    },
    { id: first.id },
  ])
  expect(faults).toEqual([])
  await visit[Symbol.asyncDispose]()
  await host.stop()
  await service.stop()
})

test('a job that was resumed tells the time of its last run and the time since its first', async () => {
  let broken = true
  const service = consoleService({
    employees: manyEmployees(2),
    fails: ({ date }) => (broken && date === '2025-03-05' ? 'No rate' : undefined),
  })
  const host = await consoleHost(service)
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', ...MARCH })
  await job.result
  broken = false
  const again = await service.resumeJob(job.id)
  await again.result
  await using visit = await enter(browser, host, jobFragment(job.id))
  await visit.page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  expect(await visit.page.locator('#job-tiles dt').allTextContents()).toEqual([
    ...[
      'Done',
      'of these unchanged',
      'Closed',
      'Failed, blocked',
      'Days/s',
      'Last run',
      'Since first start',
      'Remaining',
    ],
  ])
  await visit[Symbol.asyncDispose]()
  await host.stop()
  await service.stop()
})

test('the list tells of each job who it was about, why, what failed and how long it took, and is read again on demand', async () => {
  const service = consoleService({
    employees: manyEmployees(2),
    fails: ({ employeeId, date }) => (employeeId === 'e0001' && date === '2025-03-30' ? 'No rate' : undefined),
  })
  const host = await consoleHost(service)
  const all = await service.triggerRecalcAllAsync({ tenantId: 'acme', ...MARCH }, { reason: 'New rates' })
  await all.result
  await using visit = await enter(browser, host)
  const { page } = visit
  const first = page.locator('#jobs-list li').first()
  await first.getByText('Everybody · ').waitFor()
  await first.getByText('2 failed').waitFor()
  await first.getByText('New rates').waitFor()

  const some = await service.triggerRecalcBatchAsync({ tenantId: 'acme', employeeIds: ['e0000'], ...MARCH })
  await some.result
  await page.getByRole('button', { name: 'Refresh' }).click()
  await first.getByText('Selected employees · ').waitFor()
  expect(await first.getByText('failed').count()).toBe(0)
  await visit[Symbol.asyncDispose]()
  await host.stop()
  await service.stop()
})
