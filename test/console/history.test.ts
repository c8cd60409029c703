import type { Browser } from 'playwright-core'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { HistoryEntry, HistoryQuery } from '../../src/backend.ts'
import { memoryBackend, parseIsoDate } from '../../src/index.ts'
import { connectChromium } from '../support/chromium.ts'
import { faultsOf } from './accessibility.ts'
import { consoleHost, READER_KEY } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { enter, jobFragment } from './visit.ts'

let browser: Browser

beforeAll(async () => {
  browser = await connectChromium()
  return () => browser.close()
})

function entry(query: HistoryQuery): HistoryEntry {
  const date = parseIsoDate('from' in query.of ? query.of.from : '', 'from')
  return {
    ...{ id: '1.0', tenantId: query.tenantId, employeeId: query.of.employeeId ?? '', stage: 'balances' },
    ...{ date, through: date, before: { minutes: 30 }, isBeforeKnown: true, after: null, notKept: null, tables: [] },
    at: new Date('2025-01-02T03:04:05Z'),
    run: { id: 'r', kind: 'day', jobId: null, reason: `about ${date}`, actor: 'clerk' },
  }
}

async function withJob() {
  const history = {
    append: async () => {},
    // Of the second day there is nothing.
    list: async (query: HistoryQuery) => ('from' in query.of && query.of.from === '2025-01-02' ? [] : [entry(query)]),
  }
  const service = consoleService({ employees: manyEmployees(2), backend: { ...memoryBackend(), history } })
  const host = await consoleHost(service)
  onTestFinished(async () => {
    await host.stop()
    await service.stop()
  })
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-03' })
  await job.result
  return { host, job }
}

test('one sees what was changed of the chosen day, by whom and why, and of the next one that is chosen', async () => {
  const { host, job } = await withJob()
  await using visit = await enter(browser, host, jobFragment(job.id))
  const { page, faults } = visit
  await page.getByRole('gridcell').focus()
  await page.getByRole('button', { name: 'History of this day' }).click()
  const table = page.getByRole('table', { name: /History of this day/ })
  await table.getByRole('cell', { name: 'about 2025-01-01' }).waitFor()
  const cells = await table.locator('tbody td').allTextContents()
  expect(cells.slice(1)).toEqual(['balances', 'removedminutes 30 → –', 'clerkOne day', 'about 2025-01-01'])
  expect(await faultsOf(page)).toEqual([])

  await page.getByRole('gridcell').focus()
  await page.keyboard.press('ArrowRight')
  await page.getByText('Nothing was changed.').waitFor()
  await page.keyboard.press('ArrowRight')
  await table.getByRole('cell', { name: 'about 2025-01-03' }).waitFor()
  await page.getByRole('button', { name: 'Hide the history' }).click()
  await table.waitFor({ state: 'detached' })
  expect(faults).toEqual([])
})

test('it is not offered to who may not see it', async () => {
  const { host, job } = await withJob()
  await using visit = await enter(browser, host, jobFragment(job.id), { key: READER_KEY })
  await visit.page.getByRole('gridcell').waitFor()
  expect(await visit.page.getByRole('button', { name: 'History of this day' }).count()).toBe(0)
})
