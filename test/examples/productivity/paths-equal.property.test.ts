import { parseIsoDate } from 'recalc-service'
import { expect, it } from 'vitest'
import { fc } from '../../support/fc.ts'
import type { Warehouse } from './mariadb-support/changed-warehouse.ts'
import { rowsInMemory } from './mariadb-support/databases.ts'
import { all, paths } from './mariadb-support/paths.ts'

const shapes = fc.record({
  block: fc.record({ employees: fc.integer({ min: 1, max: 4 }), days: fc.integer({ min: 1, max: 8 }) }),
  concurrency: fc.integer({ min: 1, max: 4 }),
})

/** Days around a clock change in either direction, or none; Lord Howe's is half an hour. */
const warehouses: fc.Arbitrary<Warehouse> = fc.record({
  zone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'),
  from: fc
    .constantFrom('2025-03-05', '2025-03-27', '2025-04-03', '2025-10-01', '2025-10-23', '2025-10-30', '2024-02-27')
    .map((date) => parseIsoDate(date, 'from')),
  days: fc.integer({ min: 1, max: 6 }),
  employees: fc.integer({ min: 1, max: 5 }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
})

it('any warehouse comes out the same by any path, in blocks of any shape', async () => {
  await fc.assert(
    fc.asyncProperty(warehouses, fc.constantFrom(...paths), shapes, async (of, path, ways) => {
      expect(await rowsInMemory(path, of, ways)).toBe(await rowsInMemory(all, of))
    }),
    { numRuns: Number(process.env.RUNS ?? 40) },
  )
})
