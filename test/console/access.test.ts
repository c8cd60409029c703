import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RecalcService } from '../../src/index.ts'
import { connectChromium } from '../support/chromium.ts'
import { type ConsoleHost, consoleHost, KEY, READER_KEY } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { arrive, enter, jobFragment } from './visit.ts'

let browser: Browser
let service: RecalcService
let host: ConsoleHost
let jobId: string

beforeAll(async () => {
  service = consoleService({
    employees: manyEmployees(2),
    fails: ({ employeeId }) => (employeeId === 'e0001' ? 'No rate' : undefined),
  })
  host = await consoleHost(service)
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-02' })
  await job.result
  jobId = job.id
  browser = await connectChromium()
})

afterAll(async () => {
  await browser.close()
  await host.stop()
  await service.stop()
})

test('the page is one file of its own under a policy that allows nothing else', async () => {
  const response = await fetch(host.url)
  const html = await response.text()
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; connect-src 'self'; /,
  )
  expect(policy).not.toContain('unsafe')
  expect(html).not.toMatch(/<[^>]+\s(?:style|on[a-z]+)=/)
  expect(html.match(/(?:src|href)="(?!#|data:)[^"]*"/g)).toBeNull()
  expect(gzipSync(html).length).toBeLessThan(42_000)
  // The licence of what is bundled asks for that.
  expect(html).toContain('Espen Hovlandsdal')
  expect(html).toContain('Jason Miller')
})

test('the key is kept in this tab only, and forgotten on demand', async () => {
  await using visit = await enter(browser, host)
  const { page, faults } = visit
  expect(await page.evaluate('Object.values(sessionStorage)')).toEqual([KEY])
  expect(await page.evaluate('localStorage.length')).toBe(0)
  expect(await page.evaluate('document.cookie')).toBe('')
  expect(await page.getByLabel('Key', { exact: true }).count()).toBe(0)
  await page.reload()
  await page.getByRole('link', { name: /acme/ }).waitFor()

  await page.getByRole('button', { name: 'Forget key' }).click()
  await page.getByLabel('Key', { exact: true }).waitFor()
  expect(await page.evaluate('sessionStorage.length')).toBe(0)
  expect(await page.locator('#jobs-list li').count()).toBe(0)
  expect(faults).toEqual([])
})

test('the key goes in a header, never in an address', async () => {
  await using visit = await arrive(browser, host)
  const { page } = visit
  const addresses: string[] = []
  page.on('request', (request) => addresses.push(request.url()))
  await page.getByLabel('Key', { exact: true }).fill(KEY)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: /acme/ }).click()
  await page.getByRole('heading', { name: 'acme, 2025-01-01' }).waitFor()
  expect(addresses.filter((address) => address.includes(KEY))).toEqual([])
  expect(addresses.length).toBeGreaterThan(3)
})

test('a wrong key is refused where it was typed in', async () => {
  await using visit = await arrive(browser, host)
  const { page } = visit
  const key = page.getByLabel('Key', { exact: true })
  await key.fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByText('The server does not accept this key.').waitFor()
  expect(await key.getAttribute('aria-invalid')).toBe('true')
  expect(await page.evaluate('sessionStorage.length')).toBe(0)
  await key.fill('schlüssel')
  await page.keyboard.press('Enter')
  await page.getByText('A key holds only plain characters.').waitFor()
})

test('a link to a job is followed once the key is typed in', async () => {
  await using visit = await enter(browser, host, jobFragment(jobId))
  const { page } = visit
  const heading = page.getByRole('heading', { name: 'acme, 2025-01-01 – 2025-01-02' })
  await heading.waitFor()
  await page.goBack()
  await page.goForward()
  await heading.waitFor()
})

test('what the key does not allow is not offered', async () => {
  await using reader = await enter(browser, host, jobFragment(jobId), { key: READER_KEY })
  await reader.page.locator('#job-status', { hasText: 'Completed with errors' }).waitFor()
  expect(await reader.page.getByRole('button', { name: 'Resume' }).isVisible()).toBe(false)
  expect(await reader.page.getByRole('link', { name: 'New job' }).isVisible()).toBe(false)

  await using visit = await enter(browser, host, jobFragment(jobId))
  await visit.page.getByRole('button', { name: 'Resume' }).waitFor()
  await visit.page.getByRole('link', { name: 'New job' }).waitFor()
})
