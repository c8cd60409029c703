import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { memoryBackend, RecalcService } from '../../src/index.ts'
import { connectChromium } from '../support/chromium.ts'
import { gate } from '../support/gate.ts'
import { type ConsoleHost, consoleHost } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { enter, jobFragment, type Visit } from './visit.ts'

const MARCH = { tenantId: 'acme', from: '2025-03-01', to: '2025-03-31' }

let browser: Browser
const opened: { host?: ConsoleHost; visit?: Visit; service?: RecalcService; release?: () => void } = {}

beforeAll(async () => {
  browser = await connectChromium()
})

afterAll(() => browser.close())

afterEach(async () => {
  const { host, visit, service, release } = opened
  for (const name of ['host', 'visit', 'service', 'release'] as const) delete opened[name]
  release?.()
  await visit?.[Symbol.asyncDispose]()
  await host?.stop()
  await service?.stop()
})

/** Twelve employees in blocks of four by ten days, of which the first two are calculated before the gate. */
async function serve(options: { fails?(day: { employeeId: string }): string | undefined } = {}) {
  const held = gate()
  let blocks = 0
  const backend = memoryBackend()
  const service = consoleService({
    employees: manyEmployees(12),
    block: { employees: 4, days: 10 },
    concurrency: 1,
    backend,
    beforeBlock: async () => {
      blocks += 1
      if (blocks > 2) await held.pass()
    },
    ...options,
  })
  const host = await consoleHost(service)
  Object.assign(opened, { service, host, release: held.open })
  return { service, host, held, backend }
}

async function visit(host: ConsoleHost, fragment?: string) {
  const made = await enter(browser, host, fragment)
  opened.visit = made
  return made
}

test('a job is started after its estimate was shown, and watched to its end', async () => {
  const { service, host, held } = await serve()
  const { page, faults } = await visit(host)
  await page.getByRole('link', { name: 'New job' }).click()
  await page.locator('#tenant').fill('acme')
  await page.getByLabel('First day').fill('2025-03-01')
  await page.getByLabel('Last day').fill('2025-03-31')
  await page.locator('#reason').fill('New rates')
  await page.getByRole('button', { name: 'Estimate' }).click()

  const estimate = page.getByRole('region', { name: 'Estimate' })
  await estimate.getByText('12 employees × 31 days = 372 employee-days').waitFor()
  expect(await service.listJobs()).toEqual([])

  await estimate.getByRole('button', { name: 'Start the job' }).click()
  await page.getByRole('heading', { name: 'acme, 2025-03-01 – 2025-03-31' }).waitFor()
  await page.getByText('80 of 372 employee-days').waitFor()
  await page.locator('#job-connection', { hasText: 'Live' }).waitFor()
  expect(await page.title()).toBe('20 % · acme · Recalculation')
  const carrying = page.getByRole('listitem').filter({ hasText: 'Carrying balances forward' })
  await carrying.getByText('running, 21 %').waitFor()

  held.open()
  await page.getByText('372 of 372 employee-days').waitFor()
  await page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  await carrying.getByText('done').waitFor()
  expect(await page.getByRole('progressbar', { name: 'Progress of the job' }).getAttribute('value')).toBe('1')
  expect(await page.locator('#announcer').textContent()).toBe('Completed.')
  expect(await page.locator('#job-reason').textContent()).toBe('New rates')
  expect(await page.getByRole('button', { name: 'Cancel job' }).isVisible()).toBe(false)
  const [job] = await service.listJobs()
  expect(job).toMatchObject({ status: 'completed', reason: 'New rates', kind: 'all' })
  expect(faults).toEqual([])
})

test('changing what was estimated asks for a new estimate', async () => {
  const { host } = await serve()
  const { page } = await visit(host, '#/start')
  await page.getByLabel('First day').fill('2025-03-01')
  await page.getByLabel('Last day').fill('2025-03-31')
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByRole('button', { name: 'Start the job' }).waitFor()
  await page.getByLabel('Last day').fill('2025-03-30')
  expect(await page.getByRole('button', { name: 'Start the job' }).isVisible()).toBe(false)
})

test('an empty selection of employees is refused, and never means everybody', async () => {
  const { service, host, held } = await serve()
  const { page } = await visit(host, '#/start')
  await page.getByLabel('First day').fill('2025-03-01')
  await page.getByLabel('Last day').fill('2025-03-02')
  await page.getByRole('radio', { name: 'Only these' }).first().check()
  await page.getByRole('button', { name: 'Estimate' }).click()
  const ids = page.getByLabel('Employee ids (one per line or separated by commas)')
  await page.getByText('Enter at least one employee').waitFor()
  expect(await ids.getAttribute('aria-invalid')).toBe('true')
  expect(await page.evaluate('document.activeElement.id')).toBe('employees')

  await ids.fill('e0001, e0003\n  e0005  \n\n')
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByText('3 employees × 2 days = 6 employee-days').waitFor()
  held.open()
  await page.getByRole('button', { name: 'Start the job' }).click()
  await page.getByText('6 of 6 employee-days').waitFor()
  expect(await service.listJobs()).toMatchObject([{ kind: 'batch', totalDays: 6 }])
})

test('what the server refuses is shown at its field', async () => {
  const { host } = await serve()
  const { page } = await visit(host, '#/start')
  await page.getByLabel('First day').fill('2025-03-01')
  await page.getByLabel('Last day').fill('2025-03-31')
  await page.getByRole('radio', { name: 'Only these' }).first().check()
  await page.locator('#employees').fill(`e0001, ${'e'.repeat(256)}`)
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page
    .locator('#employees-error')
    .getByText(/255 characters/)
    .waitFor()
  expect(await page.locator('#employees').getAttribute('aria-invalid')).toBe('true')
})

test('days are typed as ISO dates, and what is none that can be recalculated is refused at its field', async () => {
  const { host } = await serve()
  const { page } = await visit(host, '#/start')
  await page.getByLabel('Last day').fill('2025-03-31')
  for (const day of ['1899-12-31', '2025-02-29', '03/01/2025', '2025-3-1']) {
    await page.getByLabel('First day').fill(day)
    await page.getByRole('button', { name: 'Estimate' }).click()
    await page.locator('#start-date-error', { hasText: 'Enter a day as YYYY-MM-DD, from 1900-01-01 on.' }).waitFor()
  }
  await page.getByLabel('First day').fill('1900-01-01')
  await page.getByLabel('Last day').fill('1900-01-02')
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByRole('button', { name: 'Start the job' }).waitFor()
})

test('days that are often asked for are chosen with one click', async () => {
  const { host } = await serve()
  const { page } = await visit(host)
  await page.clock.setFixedTime(new Date(2025, 2, 1, 12))
  await page.getByRole('link', { name: 'New job' }).click()
  await page.getByRole('button', { name: 'Last month' }).click()
  expect(await page.getByLabel('First day').inputValue()).toBe('2025-02-01')
  expect(await page.getByLabel('Last day').inputValue()).toBe('2025-02-28')
})

test('the tables to recalculate are chosen from those that there are, and at least one of them', async () => {
  const { service, host, held } = await serve()
  const { page, faults } = await visit(host, '#/start')
  const choice = page.getByRole('group', { name: 'Tables to recalculate' })
  await page.getByLabel('First day').fill('2025-03-01')
  await page.getByLabel('Last day').fill('2025-03-02')
  expect(await choice.isVisible()).toBe(false)
  await page.getByRole('group', { name: 'Tables', exact: true }).getByRole('radio', { name: 'Only these' }).check()
  expect(await choice.getByRole('checkbox').count()).toBe(2)

  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByText('Choose at least one table, or all of them.').waitFor()
  const first = choice.getByRole('checkbox', { name: 'balances' })
  expect(await first.getAttribute('aria-invalid')).toBe('true')
  expect(await page.evaluate('document.activeElement.labels[0].textContent.trim()')).toBe('balances')

  await choice.getByRole('checkbox', { name: 'balances' }).check()
  expect(await first.getAttribute('aria-invalid')).toBe('false')
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByText('1 of the tables').waitFor()
  held.open()
  await page.getByRole('button', { name: 'Start the job' }).click()
  await page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  expect(await service.listJobs()).toMatchObject([{ stages: [{ name: 'balances' }] }])
  expect(faults).toEqual([])
})

test('without tables there is none to choose', async () => {
  const service = new RecalcService({
    employees: { listEmployees: async () => [] },
    dailyCalc: { calculateDay: async () => 'changed' },
  })
  const host = await consoleHost(service)
  Object.assign(opened, { service, host })
  const { page } = await visit(host, '#/start')
  await page.getByRole('group', { name: 'Employees' }).waitFor()
  expect(await page.getByRole('group', { name: 'Tables' }).count()).toBe(0)
})

test('the unchanged days are told as a part of those that are done', async () => {
  const { service, host, held } = await serve()
  held.open()
  const job = await service.triggerRecalcAllAsync(MARCH)
  await job.result
  const { page } = await visit(host, jobFragment(job.id))
  await page.getByText('372 of 372 employee-days').waitFor()
  expect(await page.locator('#job-tiles dt').allTextContents()).toEqual([
    ...['Done', 'of these unchanged', 'Closed', 'Failed, blocked', 'Days/s', 'Elapsed', 'Remaining'],
  ])
})

test('a failure tells what its employee and its stage are called, as soon as that is known', async () => {
  const { service, host, held } = await serve({
    fails: ({ employeeId }) => (employeeId === 'e0003' ? 'No rate' : undefined),
  })
  held.open()
  const job = await service.triggerRecalcAllAsync(MARCH)
  await job.result
  const { page, faults } = await visit(host)
  const answered = gate()
  await page.route('**/employees/**', async (route) => {
    await answered.pass()
    await route.continue()
  })
  await page.getByRole('link', { name: /acme/ }).click()
  const cells = page.locator('#failures tbody tr').first().locator('td')
  await page.locator('#failures summary').getByText('Carrying balances forward', { exact: true }).waitFor()
  const day = page.getByRole('button', { name: '2025-03-01, show e0003 in the grid' })
  await day.focus()
  expect(await cells.first().innerText()).toBe('e0003')
  answered.open()
  await cells.first().getByText('Employee 0003').waitFor()
  expect(await cells.first().innerText()).toBe('Employee 0003 e0003')
  // What is learned later does not take the row away from whoever is in it.
  expect(await page.evaluate('document.activeElement.ariaLabel')).toBe(await day.getAttribute('aria-label'))
  expect(faults).toEqual([])
})

test('a tenant whose job still runs leads to that job', async () => {
  const { service, host, held } = await serve()
  const { id } = await service.triggerRecalcAllAsync(MARCH)
  await held.arrived
  const { page } = await visit(host, '#/start')
  await page.getByLabel('First day').fill('2025-04-01')
  await page.getByLabel('Last day').fill('2025-04-30')
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByRole('button', { name: 'Start the job' }).click()
  await page.getByRole('alert').getByRole('link', { name: 'Look at the job that is running' }).click()
  await page.getByRole('heading', { name: 'acme, 2025-03-01 – 2025-03-31' }).waitFor()
  expect(new URL(page.url()).hash).toBe(jobFragment(id))
})

test('a tenant whose last job began just now is told when the next one may', async () => {
  const service = consoleService({ employees: manyEmployees(1) })
  const host = await consoleHost(service, { cooldownMs: 300_000 })
  Object.assign(opened, { service, host })
  const job = await service.triggerRecalcAllAsync(MARCH)
  await job.result
  const { page } = await visit(host, '#/start')
  await page.getByLabel('First day').fill('2025-04-01')
  await page.getByLabel('Last day').fill('2025-04-30')
  await page.getByRole('button', { name: 'Estimate' }).click()
  await page.getByRole('button', { name: 'Start the job' }).click()
  await page
    .getByRole('alert')
    .getByText(/Try again in (5 min 00|4 min \d\d) s, at \d\d:\d\d:\d\d\./)
    .waitFor()
  // What was estimated is still there to be started.
  expect(await page.getByRole('button', { name: 'Start the job' }).isVisible()).toBe(true)
})

test('a job is cancelled once that is confirmed, and resumed to its end', async () => {
  const { service, host, held } = await serve()
  const job = await service.triggerRecalcAllAsync(MARCH)
  await held.arrived
  const { page, faults } = await visit(host, jobFragment(job.id))
  const dialog = page.getByRole('dialog', { name: 'Cancel this job?' })

  await page.getByRole('button', { name: 'Cancel job' }).click()
  await dialog.getByRole('button', { name: 'Keep it running' }).click()
  expect(await dialog.isVisible()).toBe(false)
  expect((await job.snapshot()).cancelRequested).toBe(false)

  await page.getByRole('button', { name: 'Cancel job' }).click()
  await dialog.getByLabel('Reason').fill('Wrong rates')
  await dialog.getByRole('button', { name: 'Cancel the job' }).click()
  await page.locator('#job-status', { hasText: 'Cancelling…' }).waitFor()
  held.open()
  await page.locator('#job-status', { hasText: 'Cancelled' }).waitFor()
  expect(await page.locator('#announcer').textContent()).toBe('Cancelled.')
  const reasons: (string | null)[] = []
  for await (const event of job.events()) if (event.type === 'cancelled') reasons.push(event.reason)
  expect(reasons).toEqual(['Wrong rates'])

  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  await page.getByText('372 of 372 employee-days').waitFor()
  expect(await page.getByRole('button', { name: 'Resume' }).isVisible()).toBe(false)
  expect(faults).toEqual([])
})

test('a job is paused, says so, and goes on when it is resumed', async () => {
  const { service, host, held } = await serve()
  const job = await service.triggerRecalcAllAsync(MARCH)
  await held.arrived
  const { page, faults } = await visit(host, jobFragment(job.id))
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.locator('#job-status', { hasText: 'Pausing…' }).waitFor()
  held.open()
  await page.locator('#job-status', { hasText: 'Paused' }).waitFor()
  expect(await page.getByRole('button', { name: 'Pause' }).isVisible()).toBe(false)
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  await page.getByText('372 of 372 employee-days').waitFor()
  expect(faults).toEqual([])
})

test('failures are listed page by page, with messages that are text whatever they hold', async () => {
  const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script> & "quoted"`
  const { service, host, held } = await serve({
    fails: ({ employeeId }) => (employeeId >= 'e0003' ? `${employeeId}: ${hostile}` : undefined),
  })
  held.open()
  const employees = manyEmployees(40).map(({ id }) => id)
  const job = await service.triggerRecalcBatchAsync({ ...MARCH, employeeIds: employees })
  await job.result
  const { page, faults } = await visit(host, jobFragment(job.id))

  await page.getByText('37 failures, 1 message').waitFor()
  const rows = page.locator('#failures tbody tr')
  expect(await rows.count()).toBe(20)
  expect(await rows.first().locator('.message').textContent()).toBe(`e0003: ${hostile}`)
  const pages = page.getByRole('navigation', { name: 'Pages of failures' })
  await pages.getByRole('button', { name: 'Next' }).click()
  await pages.getByText('Page 2 of 2').waitFor()
  await rows.first().getByText('e0023', { exact: true }).waitFor()
  expect(await rows.count()).toBe(17)
  await pages.getByRole('button', { name: 'Previous' }).click()
  await rows.first().getByText('e0003', { exact: true }).waitFor()

  await rows.first().getByRole('button', { name: '2025-03-01, show e0003 in the grid' }).click()
  const cell = page.getByRole('gridcell')
  expect(await cell.getAttribute('aria-label')).toBe(`e0003, 2025-03-01: failed: e0003: ${hostile}`)
  expect(await page.evaluate('document.activeElement.role')).toBe('gridcell')
  expect(await page.locator('img, #job script').count()).toBe(0)
  expect(await page.title()).not.toBe('owned')
  expect(faults).toEqual([])
})

test('ids and names are text whatever they hold', async () => {
  const id = `<b id="injected">'"&</b>`
  const service = consoleService({ employees: [{ id, name: `${id} name` }] })
  const host = await consoleHost(service, { tenants: '*' })
  Object.assign(opened, { service, host })
  const job = await service.triggerRecalcAllAsync({ ...MARCH, tenantId: id }, { reason: id })
  await job.result
  const { page, faults } = await visit(host, jobFragment(job.id))
  await page.getByRole('heading', { name: `${id}, 2025-03-01` }).waitFor()
  await page.getByRole('rowheader', { name: `${id} name` }).waitFor()
  expect(await page.locator('#job-reason').textContent()).toBe(id)
  expect(await page.locator('.job-tenant').textContent()).toBe(id)
  expect(await page.locator('#injected').count()).toBe(0)
  expect(faults).toEqual([])
})

test('a server that goes away and comes back is waited for, and what happened meanwhile is shown', async () => {
  const { service, host, held } = await serve()
  const job = await service.triggerRecalcAllAsync(MARCH)
  await held.arrived
  const { page } = await visit(host, jobFragment(job.id))
  await page.locator('#job-connection', { hasText: 'Live' }).waitFor()
  const streams: (string | undefined)[] = []
  page.on('request', (request) => {
    if (request.url().includes('/stream/')) streams.push(request.headers()['last-event-id'])
  })

  await host.stop()
  await page.locator('#job-connection', { hasText: 'Reconnecting…' }).waitFor()
  expect(await page.locator('#announcer').textContent()).toBe('Connection lost, reconnecting.')
  await host.start()
  await page.locator('#job-connection', { hasText: 'Live' }).waitFor()
  const { lastSeq } = await job.snapshot()
  expect(streams.at(-1)).toBe(String(lastSeq))

  await host.stop()
  held.open()
  await job.result
  await host.start()
  await page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  await page.getByText('372 of 372 employee-days').waitFor()
})

test('a job that the server interrupts is followed when the next one takes it up', async () => {
  const { service, host, held, backend } = await serve()
  const job = await service.triggerRecalcAllAsync(MARCH)
  await held.arrived
  const { page } = await visit(host, jobFragment(job.id))
  await page.locator('#job-connection', { hasText: 'Live' }).waitFor()
  const stopped = service.stop()
  held.open()
  await stopped
  await page.locator('#job-status', { hasText: 'Interrupted' }).waitFor()
  await host.stop()

  const next = consoleService({ employees: manyEmployees(12), backend })
  opened.service = next
  await host.start(next)
  await next.resumeJob(job.id)
  await page.locator('#job-status', { hasText: 'Completed' }).waitFor()
  await page.getByText('372 of 372 employee-days').waitFor()
})

test('past jobs are listed page by page, and narrowed down', async () => {
  const service = consoleService({
    employees: manyEmployees(1),
    fails: ({ date }) => (date === '2025-01-07' ? 'No rate' : undefined),
  })
  const host = await consoleHost(service)
  Object.assign(opened, { service, host })
  for (let day = 1; day <= 30; day += 1) {
    const date = `2025-01-${String(day).padStart(2, '0')}`
    const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: date, to: date })
    await job.result
  }
  const { page } = await visit(host)
  const jobs = page.locator('#jobs-list li')
  await jobs.first().getByText('2025-01-30').waitFor()
  expect(await jobs.count()).toBe(25)
  const pages = page.getByRole('navigation', { name: 'Pages of jobs' })
  await pages.getByRole('button', { name: 'Next' }).click()
  await jobs.first().getByText('2025-01-05', { exact: true }).waitFor()
  expect(await jobs.count()).toBe(5)
  await page.getByLabel('Status').selectOption('completed_with_errors')
  await jobs.first().getByText('2025-01-07', { exact: true }).waitFor()
  expect(await jobs.count()).toBe(1)
  await jobs.first().getByRole('link').click()
  await page.getByRole('heading', { name: 'acme, 2025-01-07' }).waitFor()
})

test('a job that is unknown here says so', async () => {
  const { host } = await serve()
  const { page } = await visit(host, jobFragment('nobody-knows'))
  await page.getByText('There is no such job, or not for this key.').waitFor()
})
