import { beforeAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../support/mariadb.ts'
import { postgresDatabase } from '../../support/postgres.ts'
import { rowsBy, smallWarehouse, warehouse } from './mariadb-support/changed-warehouse.ts'
import { ownMysql, ownPostgres, rowsInMemory } from './mariadb-support/databases.ts'
import { all, paths } from './mariadb-support/paths.ts'

describe('the same rows in every derived table, acknowledgements and caches included', () => {
  const expected = { big: '', small: '' }
  beforeAll(async () => {
    const oneBlock = { block: { employees: 1_000, days: 1_000 } }
    expected.big = await rowsInMemory(all, warehouse, oneBlock)
    expected.small = await rowsInMemory(all, smallWarehouse, oneBlock)
  })

  it('are more than a few, of every kind', () => {
    const kinds = ['daily_scores', 'idle_periods', 'alerts', 'employee_hourly_costs', 'employee_primary_roles']
    const caches = ['currently_working', 'working_today', 'today_clock_times']
    for (const name of [...kinds, 'employee_current_status', ...caches]) {
      expect(expected.big).toMatch(new RegExp(`^${name} .`, 'm'))
      expect(expected.small).toMatch(new RegExp(`^${name} .`, 'm'))
    }
    expect(expected.big.split('\n').length).toBeGreaterThan(1_000)
    expect(expected.big.match(/"acknowledged_by":"the shift/g)?.length).toBeGreaterThan(50)
  })

  describe('on SQLite', () => {
    it.each(paths)('$name', async (path) => {
      const of = path.name === 'day by day, asynchronous' ? 'small' : 'big'
      const rows = await rowsInMemory(path, of === 'big' ? warehouse : smallWarehouse, {
        block: { employees: 4, days: 6 },
        concurrency: 3,
      })
      expect(rows).toBe(expected[of])
    })

    it.each([
      { block: { employees: 1, days: 1 }, concurrency: 1 },
      { block: { employees: 1, days: 20 }, concurrency: 8 },
      { block: { employees: 13, days: 1 }, concurrency: 2 },
      { block: { employees: 5, days: 7 }, concurrency: 4 },
    ])('in blocks of $block.employees × $block.days, $concurrency at a time', async (ways) => {
      expect(await rowsInMemory(all, warehouse, ways)).toBe(expected.big)
    })
  })

  describe('on MariaDB', async () => {
    const { url } = await testDatabase()
    it.each(paths.filter(({ name }) => name !== 'day by day, asynchronous'))('$name', async (path) => {
      const ways = { block: { employees: 4, days: 3 }, concurrency: 3 }
      expect(await rowsBy(path, await ownMysql(url), smallWarehouse, ways)).toBe(expected.small)
    })
  })

  describe('on PostgreSQL', async () => {
    const { url } = await postgresDatabase()
    it.each(paths.filter(({ name }) => name !== 'day by day, asynchronous'))('$name', async (path) => {
      const ways = { block: { employees: 4, days: 3 }, concurrency: 3 }
      expect(await rowsBy(path, await ownPostgres(url), smallWarehouse, ways)).toBe(expected.small)
    })
  })
})
