import { expect, test } from 'vitest'
import { memoryBackend, RecalcService, type RunIdentity, type UnitOfWork } from '../../../src/index.ts'
import { TransientError } from '../../support/database.ts'
import { employeeList, TENANT, world } from '../../support/service.ts'

const FROM = '2025-01-01'
const range = { tenantId: TENANT, employeeId: 'a', from: FROM, to: '2025-01-03' }

test('a calculator is told which run it works for: of a job its id, of a call an id of its own', async () => {
  const runs: RunIdentity[] = []
  const { service } = world({
    dailyCalc: {
      async calculateDay(_day, { run }) {
        runs.push(run)
      },
    },
  })
  const job = await service.triggerRecalcRangeAsync(range)
  await job.result
  expect(runs).toEqual([1, 2, 3].map(() => ({ id: job.id, kind: 'range', from: FROM, to: '2025-01-03' })))
  runs.length = 0
  await service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: FROM })
  await service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: FROM })
  expect(runs[0]).toMatchObject({ kind: 'day', from: FROM, to: FROM })
  expect(new Set(runs.map(({ id }) => id)).size).toBe(2)
  expect(Object.isFrozen(runs[0])).toBe(true)
})

test('calls after the commit are made in order, once the rows can be seen, and before the next block of their lane', async () => {
  const seen: string[] = []
  const { service, database } = world({
    dailyCalc: {
      async calculateDay({ date }, { tx, afterCommit }) {
        seen.push(`calculate ${date}`)
        tx.write('rows', date, 1)
        for (const name of ['first', 'second']) {
          afterCommit(async () => {
            await Promise.resolve()
            seen.push(`${name} ${date} ${database.rows('rows').get(date)}`)
          })
        }
      },
    },
  })
  await service.triggerRecalcRange({ ...range, to: '2025-01-02' })
  expect(seen).toEqual([
    'calculate 2025-01-01',
    'first 2025-01-01 1',
    'second 2025-01-01 1',
    'calculate 2025-01-02',
    'first 2025-01-02 1',
    'second 2025-01-02 1',
  ])
})

test('what is rolled back calls nothing, and what is tried again calls once', async () => {
  let tries = 0
  const called: number[] = []
  const { service } = world(
    {
      dailyCalc: {
        async calculateDay({ date }, { afterCommit, attempt }) {
          afterCommit(() => called.push(attempt))
          if (date === '2025-01-02') throw new RangeError('no rule')
        },
      },
    },
    {
      probe: ({ name }) => {
        if (name === 'commit' && ++tries === 1) throw new TransientError('deadlock')
      },
    },
  )
  const result = await service.triggerRecalcRange({ ...range, to: '2025-01-02' }, { onError: 'continue' })
  expect(result).toMatchObject({ processedDays: 1, failedDays: 1 })
  expect(called).toEqual([2])
})

test('a backend that does the work twice by itself calls once what is to be called after its commit', async () => {
  const called: number[] = []
  let tries = 0
  const unitOfWork: UnitOfWork<undefined> = {
    run: async (work) => {
      await work(undefined) // rolled back
      return await work(undefined)
    },
    lockEmployees: async () => {},
    isTransient: () => false,
  }
  const service = new RecalcService<undefined>({
    dailyCalc: {
      async calculateDay(_day, { afterCommit }) {
        const own = ++tries
        afterCommit(() => called.push(own))
      },
    },
    employees: employeeList(['a']),
    backend: memoryBackend({ unitOfWork }),
  })
  await service.triggerRecalc({ tenantId: TENANT, employeeId: 'a', date: FROM })
  expect(called).toEqual([2])
})

test('an error of a call after the commit is logged and undoes nothing, and the calls behind it are made', async () => {
  const logged: unknown[] = []
  const called: string[] = []
  const quiet = () => {}
  const { service, database } = world(
    {
      dailyCalc: {
        async calculateDay(_day, { tx, afterCommit }) {
          tx.write('rows', 'a', 1)
          afterCommit(() => {
            throw new RangeError('the mail server is away')
          })
          afterCommit(() => Promise.reject(new RangeError('and the other one')))
          afterCommit(() => called.push('third'))
        },
      },
    },
    {
      logger: {
        debug: quiet,
        info: quiet,
        warn: quiet,
        error: (fields, message) => void logged.push({ fields, message }),
      },
    },
  )
  const day = { tenantId: TENANT, employeeId: 'a', date: FROM }
  await expect(service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed' })
  expect(database.dump('rows')).toEqual({ a: 1 })
  expect(called).toEqual(['third'])
  expect(logged).toMatchObject([
    { message: 'A call after the commit failed: the mail server is away' },
    { message: 'A call after the commit failed: and the other one' },
  ])
})
