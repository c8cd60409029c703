import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RecalcService } from '../../src/index.ts'
import { connectChromium } from '../support/chromium.ts'
import { gate } from '../support/gate.ts'
import { type ConsoleHost, consoleHost } from './console-host.ts'
import { consoleService, manyEmployees } from './console-service.ts'
import { enter, jobFragment } from './visit.ts'

const held = gate()
let browser: Browser
let service: RecalcService
let host: ConsoleHost
let jobId: string

/** A thousand employees and a leap year, of which one block of 25 employees is done up to the end of February. */
beforeAll(async () => {
  let blocks = 0
  service = consoleService({
    employees: manyEmployees(1_000),
    block: { employees: 25, days: 31 },
    concurrency: 1,
    fails: ({ employeeId, date }) => (employeeId === 'e0002' && date === '2024-01-10' ? 'No rate' : undefined),
    beforeBlock: async () => {
      blocks += 1
      if (blocks > 2) await held.pass()
    },
  })
  host = await consoleHost(service)
  const job = await service.triggerRecalcAllAsync({ tenantId: 'acme', from: '2024-01-01', to: '2024-12-31' })
  jobId = job.id
  await held.arrived
  browser = await connectChromium()
})

afterAll(async () => {
  await service.cancelJob(jobId)
  held.open()
  await browser.close()
  await host.stop()
  await service.stop()
})

async function openGrid() {
  const visit = await enter(browser, host, jobFragment(jobId))
  await visit.page.getByRole('rowheader', { name: 'Employee 0000' }).waitFor()
  return visit
}

const elements = (page: Page) => page.evaluate<number>(`document.querySelectorAll('*').length`)
const focused = (page: Page) => page.evaluate<string>('document.activeElement.ariaLabel')

/** The colour in the middle of a visible cell. */
function colourOf(page: Page, row: number, column: number): Promise<readonly number[]> {
  return page.evaluate<number[]>(`(() => {
    const canvas = document.getElementById('grid-canvas')
    const [x, y] = [208 + ${column} * 18 + 4, 38 + ${row} * 22 + 11]
    return [...canvas.getContext('2d').getImageData(x * devicePixelRatio, y * devicePixelRatio, 1, 1).data.slice(0, 3)]
  })()`)
}

/** A colour of the style sheet. */
function token(page: Page, name: string): Promise<readonly number[]> {
  return page.evaluate<number[]>(`(() => {
    const hex = getComputedStyle(document.documentElement).getPropertyValue('--${name}').trim()
    return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
  })()`)
}

test('each state of a day is painted in its own colour', async () => {
  await using visit = await openGrid()
  const { page } = visit
  await expect.poll(() => colourOf(page, 2, 0)).toEqual(await token(page, 'done'))
  expect(await colourOf(page, 2, 9)).toEqual(await token(page, 'failed'))
  expect(await colourOf(page, 30 - 20, 0)).toEqual(await token(page, 'done'))
})

test('the keys lead through the whole grid, and each cell is told', async () => {
  await using visit = await openGrid()
  const { page, faults } = visit
  const grid = page.getByRole('grid', { name: 'Employees and days' })
  expect(await grid.getAttribute('aria-rowcount')).toBe('1001')
  expect(await grid.getAttribute('aria-colcount')).toBe('367')

  await page.getByRole('gridcell').focus()
  const press = async (key: string) => {
    await page.keyboard.press(key)
    return await focused(page)
  }
  expect(await press('ArrowRight')).toBe('Employee 0000 (e0000), 2024-01-02: done')
  expect(await press('ArrowDown')).toBe('Employee 0001 (e0001), 2024-01-02: done')
  expect(await press('ArrowDown')).toBe('Employee 0002 (e0002), 2024-01-02: done')
  for (let day = 3; day < 10; day += 1) await press('ArrowRight')
  expect(await press('ArrowRight')).toBe('Employee 0002 (e0002), 2024-01-10: failed: No rate')
  expect(await press('ArrowRight')).toBe('Employee 0002 (e0002), 2024-01-11: blocked')
  expect(await press('End')).toBe('Employee 0002 (e0002), 2024-12-31: blocked')
  expect(await press('ArrowUp')).toBe('Employee 0001 (e0001), 2024-12-31: waiting')
  expect(await press('Home')).toBe('Employee 0001 (e0001), 2024-01-01: done')
  expect(await press('ArrowLeft')).toBe('Employee 0001 (e0001), 2024-01-01: done')
  expect(await press('PageDown')).toMatch(/^Employee 002\d \(e002\d\), 2024-01-01/)
  expect(await press('PageUp')).toBe('Employee 0001 (e0001), 2024-01-01: done')
  expect(
    await page
      .getByRole('row')
      .filter({ has: page.getByRole('gridcell') })
      .getAttribute('aria-rowindex'),
  ).toBe('3')
  expect(await page.getByRole('gridcell').getAttribute('aria-colindex')).toBe('2')

  // A page scrolls by whole pixels, and need not be laid out in them.
  const inSight = `(({ top, bottom }) => top > -1 && bottom < innerHeight + 1)(document.activeElement.getBoundingClientRect())`
  await page.setViewportSize({ width: 1_280, height: 500 })
  await page.evaluate('scrollTo(0, 0)')
  for (let step = 0; step < 12; step += 1) await press('ArrowDown')
  expect(await page.evaluate(inSight)).toBe(true)

  await press('Control+End')
  await page.getByRole('gridcell', { name: 'Employee 0999 (e0999), 2024-12-31: waiting' }).waitFor()
  expect(await press('Control+Home')).toBe('Employee 0000 (e0000), 2024-01-01: done')
  expect(faults).toEqual([])
})

test('the page stays small wherever the grid is scrolled to, and the focus stays where it was', async () => {
  await using visit = await openGrid()
  const { page } = visit
  await page.getByRole('gridcell').focus()
  const before = await elements(page)
  expect(before).toBeLessThan(500)
  for (const row of [250, 500, 750, 999]) {
    await page.evaluate(`document.getElementById('grid-scroll').scrollTo(${row} * 4, ${row} * 22)`)
    await page.getByRole('rowheader', { name: `Employee ${String(row).padStart(4, '0')}` }).waitFor()
    expect(await elements(page)).toBeLessThan(before + 40)
    expect(await focused(page)).toBe('Employee 0000 (e0000), 2024-01-01: done')
  }
  await page.keyboard.press('ArrowDown')
  await page.getByRole('rowheader', { name: 'Employee 0001' }).waitFor()
  expect(await focused(page)).toBe('Employee 0001 (e0001), 2024-01-01: done')
})

test('a hundred steps with a key are drawn without a frame that is felt', async () => {
  await using visit = await openGrid()
  const { page } = visit
  await page.getByRole('gridcell').focus()
  await page.evaluate(`(() => {
    globalThis.longest = 0
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration)
    }).observe({ type: 'longtask' })
  })()`)
  for (let step = 0; step < 100; step += 1) await page.keyboard.press(step % 2 === 0 ? 'ArrowDown' : 'ArrowRight')
  expect(await focused(page)).toMatch(/^Employee 0050 \(e0050\), 2024-02-20/)
  // A twentieth of a second is the least that counts as long; many times that would mean that everything is drawn.
  expect(await page.evaluate('globalThis.longest')).toBeLessThan(500)
})

test('a click chooses a day, and a whole year fits into the width', async () => {
  await using visit = await openGrid()
  const { page } = visit
  await page.locator('#grid-scroll').click({ position: { x: 208 + 9 * 18 + 5, y: 38 + 2 * 22 + 5 } })
  expect(await focused(page)).toBe('Employee 0002 (e0002), 2024-01-10: failed: No rate')
  expect(await page.locator('#grid-readout').textContent()).toBe('Employee 0002 (e0002), 2024-01-10: failed: No rate')
  const narrower = page.getByRole('button', { name: 'Narrower days' })
  for (let step = 0; step < 3; step += 1) await narrower.click()
  await expect.poll(() => narrower.getAttribute('aria-disabled')).toBe('true')
  await page.getByRole('button', { name: 'Fit to width' }).click()
  const fits = `document.getElementById('grid-scroll').scrollWidth <= document.getElementById('grid-scroll').clientWidth`
  expect(await page.evaluate(fits)).toBe(true)
})

test('what is in sight is brought up to date while the job goes on', async () => {
  const hold = gate()
  const small = consoleService({
    employees: manyEmployees(3),
    beforeBlock: () => hold.pass(),
  })
  const smallHost = await consoleHost(small)
  const job = await small.triggerRecalcAllAsync({ tenantId: 'acme', from: '2024-01-01', to: '2024-01-31' })
  await hold.arrived
  await using visit = await enter(browser, smallHost, jobFragment(job.id))
  await visit.page.getByRole('gridcell', { name: 'Employee 0000 (e0000), 2024-01-01: waiting' }).waitFor()
  hold.open()
  await visit.page.getByRole('gridcell', { name: 'Employee 0000 (e0000), 2024-01-01: done' }).waitFor()
  await visit[Symbol.asyncDispose]()
  await smallHost.stop()
  await small.stop()
})
