import { memoryBackend, type RecalcBackend, type UnitOfWork } from 'recalc-service'
import { backendConformance } from 'recalc-service/testing'
import { describe, expect, test } from 'vitest'
import { changedStore } from '../jobs/support/changed-store.ts'
import { endTransaction, type RowsTx, RowsUnitOfWork } from './support/rows-unit-of-work.ts'
import { storeFlaws } from './support/store-flaws.ts'

type Backend = RecalcBackend<RowsTx> & { readonly unitOfWork: RowsUnitOfWork }

describe('a backend that keeps every promise', () => {
  for (const { name, skip, run } of suiteOver((backend) => backend)) {
    test(name, async () => {
      expect(skip).toBeUndefined()
      await run()
    })
  }
})

test('every test of the suite has a name of its own', () => {
  const names = suiteOver((backend) => backend).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

test('what a backend does not promise is skipped for the reason it gives, and cannot be run by mistake', async () => {
  const without = { employeeLocks: 'one process only', parallelUnitsOfWork: 'one connection' }
  const skipped = backendConformance({ makeBackend: () => memoryBackend(), without }).filter(({ skip }) => skip)
  expect(new Set(skipped.map(({ skip }) => skip))).toEqual(
    new Set(['one process only', 'one connection', 'no `rows` of the host were given']),
  )
  await expect(skipped[0]?.run()).rejects.toThrow('This test is to be skipped: one process only')
})

test('every backend that was made is disposed of, also when its test fails', async () => {
  const made: unknown[] = []
  const disposed: unknown[] = []
  const suite = backendConformance<RowsTx>({
    makeBackend: () => {
      const backend = rowsBackend()
      made.push(backend)
      return changedStore(backend, () => ({ create: () => Promise.reject(new Error('broken')) }))
    },
    dispose: (backend) => {
      disposed.push(backend)
    },
  })
  const outcomes = await Promise.allSettled(suite.filter(({ skip }) => !skip).map(({ run }) => run()))
  expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
  expect(disposed).toHaveLength(made.length)
})

describe.concurrent('a backend is found out that', () => {
  test.for(storeFlaws)('%s', async ([, flaw], { expect }) => {
    expect(await broken(suiteOver((backend) => changedStore(backend, flaw)))).not.toEqual([])
  })

  const flawedUnits: readonly (readonly [string, (unit: RowsUnitOfWork) => Partial<UnitOfWork<RowsTx>>])[] = [
    [
      'rolls nothing back',
      (unit) => ({
        async run(work) {
          const outcome = await unit.run(async (tx) => {
            try {
              return { value: await work(tx) }
            } catch (error) {
              return { error }
            }
          })
          if ('error' in outcome) throw outcome.error
          return outcome.value
        },
      }),
    ],
    ['commits nothing', (unit) => ({ run: (work) => unit.run((tx) => work({ ...tx, written: [] })) })],
    [
      'commits nothing, in silence, where the database has ended the transaction',
      (unit) => ({
        run: (work) =>
          unit.run(async (tx) => {
            const result = await work(tx)
            tx.end = undefined
            return result
          }),
      }),
    ],
    [
      'commits what follows where the database has ended the transaction',
      (unit) => ({
        run: (work) =>
          unit.run((tx) => {
            // Whoever asks whether it has ended is told that it has not.
            Object.defineProperty(tx, 'end', { get: () => undefined, set: () => {} })
            return work(tx)
          }),
      }),
    ],
    [
      'wraps errors',
      (unit) => ({ run: (work) => unit.run(work).catch((cause) => Promise.reject(new Error('x', { cause }))) }),
    ],
    ['swallows errors', (unit) => ({ run: (work) => unit.run(work).catch(() => undefined as never) })],
    ['locks nobody', () => ({ lockEmployees: async () => {} })],
    [
      'locks only the first',
      (unit) => ({ lockEmployees: (tx, tenantId, ids) => unit.lockEmployees(tx, tenantId, ids.slice(0, 1)) }),
    ],
    ['locks every tenant', (unit) => ({ lockEmployees: (tx, _, ids) => unit.lockEmployees(tx, '', ids) })],
    ['takes every error for transient', () => ({ isTransient: () => true })],
  ]
  test.for(flawedUnits)('%s', async ([, flaw], { expect }) => {
    const names = await broken(
      suiteOver(({ jobs, unitOfWork }) => ({ jobs, unitOfWork: Object.assign(unitOfWork, bound(unitOfWork, flaw)) })),
    )
    expect(names).not.toEqual([])
  })
})

function rowsBackend(): Backend {
  const unitOfWork = new RowsUnitOfWork()
  return { unitOfWork, jobs: memoryBackend({ unitOfWork }).jobs }
}

function suiteOver(change: (backend: Backend) => RecalcBackend<RowsTx>) {
  return backendConformance<RowsTx>({
    makeBackend: () => change(rowsBackend()),
    rows: ({ unitOfWork }) => unitOfWork as RowsUnitOfWork,
    endTransaction,
  })
}

function bound(unit: RowsUnitOfWork, flaw: (unit: RowsUnitOfWork) => Partial<UnitOfWork<RowsTx>>) {
  const whole = new Proxy(unit, {
    get: (target, name) => {
      const method = Reflect.get(RowsUnitOfWork.prototype, name)
      return typeof method === 'function' ? method.bind(target) : method
    },
  })
  return flaw(whole)
}

async function broken(suite: ReturnType<typeof backendConformance>): Promise<readonly string[]> {
  const outcomes = await Promise.allSettled(suite.map(({ run }) => run()))
  return suite.filter((_, i) => outcomes[i]?.status === 'rejected').map(({ name }) => name)
}
