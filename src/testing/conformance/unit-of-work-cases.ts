import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { RecalcBackend } from '../../jobs/job-store.ts'
import type { ConformanceCase, HostRowsCase } from './conformance-case.ts'
import { HOSTILE_STRINGS } from './hostile-strings.ts'
import { within } from './within.ts'

/** How many round trips the holder of a lock gives the others to push in. */
const ROUND_TRIPS = 20

export const unitOfWorkCases: readonly ConformanceCase[] = [
  {
    name: 'a unit of work gives what its work gives',
    async run({ backend: { unitOfWork } }) {
      const value = { seven: 7 }
      assert.equal(await unitOfWork.run(async () => value), value)
    },
  },
  {
    name: 'an error comes out of a unit of work as it is',
    async run({ backend: { unitOfWork } }) {
      for (const thrown of [new Error('no'), new RangeError('neither'), 'a string', undefined]) {
        const outcome = await unitOfWork
          .run(() => Promise.reject(thrown))
          .then(
            () => 'nothing was thrown',
            (error: unknown) => ({ error }),
          )
        assert.deepEqual(outcome, { error: thrown })
        assert.equal((outcome as { error: unknown }).error, thrown)
      }
    },
  },
  {
    name: 'a unit of work can follow one that failed',
    async run({ backend: { unitOfWork } }) {
      await assert.rejects(unitOfWork.run(() => Promise.reject(new Error('no'))))
      assert.equal(await unitOfWork.run(async () => 'fine'), 'fine')
    },
  },
  {
    name: 'errors of a calculator are not transient',
    async run({ backend: { unitOfWork } }) {
      for (const error of [new Error('deadlock'), new TypeError('x'), 'deadlock', 7, null, undefined, {}]) {
        assert.equal(unitOfWork.isTransient(error), false, `isTransient(${String(error)})`)
      }
    },
  },
  {
    name: 'any employees can be locked: none, many, the whole tenant, hostile ids, those that are locked already',
    async run({ backend: { unitOfWork } }) {
      const many = Array.from({ length: 500 }, (_, i) => `employee-${1_000 + i}`)
      await unitOfWork.run(async (tx) => {
        for (const ids of [[], [''], many, [...HOSTILE_STRINGS].sort(), many]) {
          await unitOfWork.lockEmployees(tx, HOSTILE_STRINGS[0], ids)
        }
      })
    },
  },
  {
    name: 'whoever locks an employee waits until the unit of work that holds it has committed',
    needs: 'employeeLocks',
    run: ({ backend }) => takesTurns(backend, ['anna', 'berta'], ['berta', 'carla'], async () => {}),
  },
  {
    name: 'whoever locks an employee waits until the unit of work that holds it has rolled back',
    needs: 'employeeLocks',
    run: ({ backend }) => takesTurns(backend, ['anna'], ['anna'], () => Promise.reject(new Error('rolled back'))),
  },
  {
    name: 'the whole tenant is locked like an employee',
    needs: 'employeeLocks',
    run: ({ backend }) => takesTurns(backend, [''], [''], async () => {}),
  },
  {
    name: 'other employees, other tenants and look-alikes are not waited for',
    needs: 'parallelUnitsOfWork',
    async run({ backend: { unitOfWork } }) {
      await unitOfWork.run(async (tx) => {
        await unitOfWork.lockEmployees(tx, 'tenant', ['anna'])
        const others: readonly (readonly [string, string])[] = [
          ['tenant', 'berta'],
          ['tenant', 'Anna'],
          ['tenant', 'anna '],
          ['Tenant', 'anna'],
          ['tenan', 'tanna'],
        ]
        for (const [tenantId, id] of others) {
          const other = unitOfWork.run((own) => unitOfWork.lockEmployees(own, tenantId, [id]))
          await within(other, `locking ${JSON.stringify([tenantId, id])} beside ["tenant","anna"]`)
        }
      })
    },
  },
]

export const hostRowsCases: readonly HostRowsCase[] = [
  {
    name: 'what was written in a unit of work is there once it has committed',
    async run({ backend: { unitOfWork }, rows }) {
      await unitOfWork.run(async (tx) => {
        await rows.write(tx, 'one')
        await rows.write(tx, 'two')
      })
      assert.deepEqual([...(await rows.read())].sort(), ['one', 'two'])
    },
  },
  {
    name: 'nothing that was written in a unit of work is there when it throws',
    async run({ backend: { unitOfWork }, rows }) {
      await unitOfWork.run((tx) => rows.write(tx, 'before'))
      const work = unitOfWork.run(async (tx) => {
        await rows.write(tx, 'lost')
        throw new Error('no')
      })
      await assert.rejects(work)
      assert.deepEqual(await rows.read(), ['before'])
    },
  },
]

async function takesTurns<Tx>(
  { unitOfWork }: RecalcBackend<Tx>,
  firstIds: readonly string[],
  secondIds: readonly string[],
  endOfFirst: () => Promise<void>,
): Promise<void> {
  const order: string[] = []
  let second: Promise<void> | undefined
  const first = unitOfWork.run(async (tx) => {
    await unitOfWork.lockEmployees(tx, 'tenant', firstIds)
    second = unitOfWork.run(async (own) => {
      await unitOfWork.lockEmployees(own, 'tenant', secondIds)
      order.push('second')
    })
    for (let trip = 0; trip < ROUND_TRIPS; trip++) {
      await unitOfWork.lockEmployees(tx, 'tenant', firstIds)
      await setImmediate()
    }
    order.push('first')
    await endOfFirst()
  })
  await first.catch(() => {}) // endOfFirst may reject, which is not what is looked at here
  await within(Promise.resolve(second), 'locking employees after those who held them ended')
  assert.deepEqual(order, ['first', 'second'])
}
