import { expect, test } from 'vitest'
import { ContractError, type Employee, type EmployeeRepository, type Logger, parseIsoDate } from '../../../src/index.ts'
import { countEmployees, employeePages } from '../../../src/run/plan/employee-pages.ts'
import { fc } from '../../support/fc.ts'
import { TENANT, world } from '../../support/service.ts'
import { scores, stageOf } from '../../support/stages.ts'

const FROM = parseIsoDate('2025-01-01', 'from')
const query = { tenantId: TENANT, from: FROM, to: FROM }
const read = <T>(call: () => Promise<T>) => call()

type Page = (after: string | undefined, limit: number) => readonly string[]

const repository = (page: Page): EmployeeRepository => ({
  async listEmployees({ after, limit }): Promise<readonly Employee[]> {
    return page(after, limit).map((id) => ({ id }))
  },
})

async function listed(page: Page, limit: number, after: string | null = null): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const found of employeePages(repository(page), query, { after, limit, read })) {
    ids.push(...found.map(({ id }) => id))
    if (ids.length > 10_000) throw new Error('no end')
  }
  return ids
}

const ids = Array.from({ length: 20 }, (_, i) => `e${String(i).padStart(2, '0')}`)

/** The right pages of a list, in whatever order that is. */
const inOrder =
  (order: readonly string[]): Page =>
  (after, limit) => {
    const start = after === undefined ? 0 : order.indexOf(after) + 1
    return order.slice(start, start + limit)
  }

const broken: readonly (readonly [string, Page])[] = [
  [
    'in descending order',
    (after, limit) =>
      ids
        .toReversed()
        .filter((id) => !after || id > after)
        .slice(0, limit),
  ],
  [
    'by name, when pages are by id',
    (after, limit) =>
      ids
        .filter((id) => !after || id > after)
        .toSorted((a, b) => (a.slice(-1) < b.slice(-1) ? -1 : 1))
        .slice(0, limit),
  ],
  ['without regard to `after`', (_, limit) => ids.slice(0, limit)],
  ['that include `after` itself', (after, limit) => ids.filter((id) => !after || id >= after).slice(0, limit)],
  [
    'that alternate for ever',
    (after) => (after === undefined || after === 'd' ? ['a', 'b'] : after === 'a' ? ['b', 'x'] : ['c', 'd']),
  ],
  [
    'that run in a long circle',
    (after, limit) => {
      const start = after === undefined ? 0 : (ids.indexOf(after) + 1) % ids.length
      return Array.from({ length: limit }, (_, i) => ids[(start + i) % ids.length] as string)
    },
  ],
]

for (const [name, page] of broken) {
  // Of two by two that are sorted by name only the count can tell.
  for (const limit of name.startsWith('by name') ? [3, 7] : [2, 3, 7]) {
    test(`pages ${name} break the contract instead of leaving somebody out or never ending, ${limit} at a time`, async () => {
      await expect(listed(page, limit)).rejects.toThrow(ContractError)
    })
  }
}

test('pages of one employee each that run in a circle come to an end too', async () => {
  await expect(listed(broken[5]![1], 1)).rejects.toThrow('pages that come to an end')
})

test('any order is right as long as it is one: pages of any size give everybody once, from anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 25 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat({ max: 24 }),
      async (order, limit, from) => {
        expect(await listed(inOrder(order), limit)).toEqual(order)
        const after = order[from]
        if (after !== undefined) expect(await listed(inOrder(order), limit, after)).toEqual(order.slice(from + 1))
        const counted = await countEmployees(repository(inOrder(order)), query, { limit, read })
        expect(counted).toBe(order.length)
      },
    ),
    { numRuns: 100 },
  )
})

test('employees who come and go while the first page is read are no broken contract', async () => {
  let reads = 0
  const order = ['a', 'b', 'c']
  const page: Page = (after, limit) => {
    if (++reads === 2) order.splice(1, 0, 'aa')
    return inOrder(order)(after, limit)
  }
  expect(await listed(page, 10)).toEqual(['a', 'aa', 'b', 'c'])
})

test('when fewer or more are listed than were counted the host is warned, and the totals are those found', async () => {
  for (const counted of [2, 3, 5]) {
    const warnings: unknown[] = []
    const quiet = () => {}
    const logger: Logger = {
      ...{ debug: quiet, info: quiet, error: quiet },
      warn: (fields, message) => void warnings.push({ ...fields, message }),
    }
    const employees = { ...repository(inOrder(['a', 'b', 'c'])), countEmployees: async () => counted }
    const { service } = world({ stages: [stageOf(scores)] }, { employees, logger })
    const result = await service.triggerRecalcAll({ tenantId: TENANT, from: FROM, to: '2025-01-02' })
    expect(result).toMatchObject({ status: 'completed', totalDays: 6, processedDays: 6 })
    expect(warnings).toMatchObject(
      counted === 3
        ? []
        : [{ counted, found: 3, message: 'The employees that were listed are not as many as were counted' }],
    )
  }
})
