import type { Browser } from 'playwright-core'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { connectChromium } from '../support/chromium.ts'
import { faultsOf } from './accessibility.ts'
import { AUDITOR_KEY, consoleHost, READER_KEY } from './console-host.ts'
import { manyEmployees } from './console-service.ts'
import { paidService } from './paid-service.ts'
import { enter, savedBy } from './visit.ts'

let browser: Browser

beforeAll(async () => {
  browser = await connectChromium()
  return () => browser.close()
})

/** January was paid at 20 an hour and closed; then its last two days were found to be worth 21. */
async function withClosedMonth() {
  const paid = await paidService({ employees: manyEmployees(2), closedThrough: '2025-01-31' })
  const { service, present } = paid
  const host = await consoleHost(service)
  onTestFinished(async () => {
    await host.stop()
    await service.stop()
  })
  await service.triggerRecalcAll({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-29' })
  present.rate = 21
  await service.triggerRecalcAll({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-29' })
  present.rate = 20
  await service.triggerRecalcAll({ tenantId: 'acme', from: '2025-01-30', to: '2025-01-31' })
  Object.assign(present, { rate: 21, isClosed: true })
  return { ...paid, host }
}

const JANUARY = '#/corrections/acme?month=2025-01'

test('one asks what a closed month owes, chooses what to take over, and sees what is left', async () => {
  const { host } = await withClosedMonth()
  await using visit = await enter(browser, host)
  const { page, faults } = visit
  await page.getByRole('link', { name: 'Corrections' }).click()
  await page.getByLabel('Month').fill('2025-13')
  await page.getByRole('button', { name: 'List corrections' }).click()
  await page.getByText('Enter a month as YYYY-MM.').waitFor()
  await page.getByLabel('Month').fill('2025-01')
  await page.getByRole('button', { name: 'List corrections' }).click()
  await page.locator('#owed-tiles').waitFor()
  expect(new URL(page.url()).hash).toBe(JANUARY)
  expect(await page.locator('#owed-tiles > div').allTextContents()).toEqual(['Corrections4', 'pay, pay+32'])
  const table = page.getByRole('table', { name: 'Corrections' })
  expect(await table.locator('tbody tr').allInnerTexts()).toEqual([
    '\te0000\t2025-01-30\tpay\tpay\t160\t168\t0\t+8',
    '\te0000\t2025-01-31\tpay\tpay\t160\t168\t0\t+8',
    '\te0001\t2025-01-30\tpay\tpay\t160\t168\t0\t+8',
    '\te0001\t2025-01-31\tpay\tpay\t160\t168\t0\t+8',
  ])

  await page.getByLabel('Search the corrections').fill('e0001')
  await page.getByRole('button', { name: 'Choose all 2' }).click()
  await page.getByRole('checkbox', { name: 'Choose e0001, 2025-01-31, pay' }).uncheck()
  expect(await faultsOf(page)).toEqual([])
  const { name, lines } = await savedBy(page, 'CSV of the chosen')
  expect(name).toBe('corrections-acme-2025-01.csv')
  expect(lines[0]).toBe('employee_id,start_date,end_date,stage,field,stored,right,taken,difference,id')
  expect(lines.slice(1).map((line) => line.replace(/,[^,]*$/, ''))).toEqual([
    'e0001,2025-01-30,2025-01-30,pay,pay,160,168,0,8',
  ])

  await page.getByRole('button', { name: 'Take over 1…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Do not' }).click()
  await page.getByRole('button', { name: 'Take over 1…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Take them over' }).click()
  await page.getByText('1 correction taken over.').waitFor()
  await page.getByLabel('Search the corrections').fill('')
  await expect.poll(() => table.locator('tbody tr').count()).toBe(3)
  expect(await page.locator('#owed-tiles dd').allTextContents()).toEqual(['3', '+24'])

  await page.getByRole('button', { name: 'Choose all 3' }).click()
  await page.getByRole('button', { name: 'Take over 3…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Take them over' }).click()
  await page.getByText('Nothing is owed.').waitFor()
  expect(faults).toEqual([])
})

test('what is stale is told by whose day it is, and nothing of that choice is taken over', async () => {
  const { host, present } = await withClosedMonth()
  await using visit = await enter(browser, host, JANUARY)
  const { page } = visit
  await page.locator('#owed-tiles').waitFor()
  await page.getByRole('button', { name: 'Choose all 4' }).click()
  present.rate = 22
  await page.getByRole('button', { name: 'Take over 4…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Take them over' }).click()
  await page
    .getByRole('alert')
    .filter({ hasText: 'Something of e0000, 2025-01-30, pay was edited, or taken over by somebody else' })
    .waitFor()
  await page.getByRole('button', { name: 'Look again' }).click()
  await page.locator('#owed-tiles').getByText('+528').waitFor()
})

test('who may list and not take over cannot choose, and who may do neither does not see it', async () => {
  const { host } = await withClosedMonth()
  await using auditor = await enter(browser, host, JANUARY, { key: AUDITOR_KEY })
  await auditor.page.locator('#owed-tiles').waitFor()
  expect(await auditor.page.getByRole('checkbox').count()).toBe(0)
  expect(await auditor.page.getByRole('button', { name: /Take over/ }).count()).toBe(0)

  await using reader = await enter(browser, host, JANUARY, { key: READER_KEY })
  await reader.page.getByRole('heading', { name: 'Jobs' }).waitFor()
  expect(await reader.page.getByRole('link', { name: 'Corrections' }).count()).toBe(0)
})

test('a month that owes nothing says so', async () => {
  const { host } = await withClosedMonth()
  await using visit = await enter(browser, host, '#/corrections/acme?month=2025-03')
  await visit.page.getByText('Nothing is owed.').waitFor()
})
