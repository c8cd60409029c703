import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { RecalcBackend } from '../../jobs/job-store.ts'
import type { UnitOfWork } from '../../run/units/unit-of-work.ts'
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
    needs: ['employeeLocks'],
    run: ({ backend }) => takesTurns(backend, ['anna', 'berta'], ['berta', 'carla'], async () => {}),
  },
  {
    name: 'whoever locks an employee waits until the unit of work that holds it has rolled back',
    needs: ['employeeLocks'],
    run: ({ backend }) => takesTurns(backend, ['anna'], ['anna'], () => Promise.reject(new Error('rolled back'))),
  },
  {
    name: 'the whole tenant is locked like an employee',
    needs: ['employeeLocks'],
    run: ({ backend }) => takesTurns(backend, [''], [''], async () => {}),
  },
  {
    name: 'each of the employees that a unit of work has locked is waited for, not just the first',
    needs: ['employeeLocks', 'parallelUnitsOfWork'],
    async run({ backend: { unitOfWork } }) {
      const ids = ['anna', 'berta', 'carla']
      for (const id of ids) await staysLocked(unitOfWork, ids, id)
    },
  },
  {
    name: 'other employees, other tenants and look-alikes are not waited for',
    needs: ['parallelUnitsOfWork'],
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
  {
    name: 'a unit of work whose transaction the database has ended rejects and commits nothing, whoever caught the error',
    needs: 'endTransaction',
    async run({ backend: { unitOfWork }, rows, endTransaction }) {
      const swallowed = () => {} // as by a calculator that takes an error for harmless
      const work = unitOfWork.run(async (tx) => {
        await rows.write(tx, 'before the end')
        await endTransaction(tx).catch(swallowed)
        await rows.write(tx, 'behind the end').catch(swallowed)
        await rows.write(tx, 'behind the end, again').catch(swallowed)
      })
      await assert.rejects(work, 'the unit of work committed nothing, or a part, and said nothing')
      assert.deepEqual(await rows.read(), [])
    },
  },
]

/** While a unit of work holds `held`, another one that wants one of them does not get it, however often others get theirs. */
async function staysLocked<Tx>(unitOfWork: UnitOfWork<Tx>, held: readonly string[], wanted: string): Promise<void> {
  const lock = (employeeId: string, asked = () => {}) =>
    unitOfWork.run(async (tx) => {
      asked()
      await unitOfWork.lockEmployees(tx, 'tenant', [employeeId])
    })
  let gotIt = false
  let waiting = Promise.resolve()
  await unitOfWork.run(async (tx) => {
    await unitOfWork.lockEmployees(tx, 'tenant', held)
    await new Promise<void>((resolve, reject) => {
      waiting = lock(wanted, resolve).then(() => {
        gotIt = true
      })
      waiting.catch(reject)
    })
    for (let witness = 0; witness < ROUND_TRIPS; witness++) {
      await within(lock(`witness ${witness}`), `locking an employee whom nobody holds, beside ${held.join(', ')}`)
    }
    assert.equal(gotIt, false, `${wanted} was locked by two units of work at once`)
  })
  await within(waiting, `locking ${wanted} after the unit of work that held it has ended`)
}

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
