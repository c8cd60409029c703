import { expect, test } from 'vitest'
import type { CalcContext, EmployeeDay, RecalcService } from '../../src/index.ts'
import type { Transaction } from '../support/database.ts'
import { gate } from '../support/gate.ts'
import { TENANT, world } from '../support/service.ts'
import { settled } from '../support/settled.ts'

const day = { tenantId: TENANT, employeeId: 'a', date: '2025-01-01' }
const range = { tenantId: TENANT, from: '2025-01-01', to: '2025-01-01' }
const refused = { code: 'NESTED_CALL', message: expect.stringContaining('`context.afterCommit(…)`') }

/** A service whose calculation of employee `a` does something with the service itself. */
function calling(call: (service: RecalcService<Transaction>, context: CalcContext<Transaction>) => unknown) {
  const calculated: string[] = []
  const made = world(
    {
      dailyCalc: {
        async calculateDay({ employeeId }: EmployeeDay, context: CalcContext<Transaction>) {
          calculated.push(employeeId)
          if (employeeId === 'a') await call(made.service, context)
        },
      },
    },
    { concurrency: 1, employees: ['a'] },
  )
  return { ...made, calculated }
}

test.each<readonly [string, (service: RecalcService<Transaction>) => Promise<unknown>]>([
  ['triggerRecalc', (service) => service.triggerRecalc({ ...day, employeeId: 'b' })],
  ['triggerRecalcRange', (service) => service.triggerRecalcRange({ ...range, employeeId: 'b' })],
  ['triggerRecalcBatch', (service) => service.triggerRecalcBatch({ ...range, employeeIds: ['b'] })],
  ['triggerRecalcAll', (service) => service.triggerRecalcAll(range)],
])('%s inside a calculation of the same service is refused: it would wait for itself', async (name, call) => {
  const { service } = calling(call)
  const failure = expect(service.triggerRecalc(day)).rejects.toMatchObject({
    code: 'RECALC_FAILED',
    message: expect.stringContaining(`${name} was called inside a calculation of the same service`),
    cause: refused,
  })
  await failure
  const job = await service.triggerRecalcAsync(day)
  await expect(job.result).resolves.toMatchObject({ failedDays: 1, errors: [{ code: 'NESTED_CALL' }] })
})

test('it is refused too when another service`s calculation stands in between', async () => {
  const inner = world({
    dailyCalc: {
      async calculateDay() {
        await made.service.triggerRecalc({ ...day, employeeId: 'c' })
      },
    },
  })
  const made = calling(async () => {
    await expect(inner.service.triggerRecalc(day)).rejects.toMatchObject({ cause: refused })
  })
  await expect(made.service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed' })
})

test('a job that is started inside a calculation is not awaited by it, so it is allowed', async () => {
  let job: { readonly result: Promise<unknown> } | undefined
  const { service, calculated } = calling(async (own) => {
    job = await own.triggerRecalcAsync({ ...day, employeeId: 'b' })
  })
  await expect(service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed' })
  await expect(job?.result).resolves.toMatchObject({ status: 'completed' })
  expect(calculated).toEqual(['a', 'b'])
})

test('a calculator of a job that was started inside a calculation is no part of that calculation, even while that goes on', async () => {
  const called = gate()
  const other = world({
    dailyCalc: {
      async calculateDay() {
        const call = made.service.triggerRecalc({ ...day, employeeId: 'c' })
        called.open()
        await call
      },
    },
  })
  let job: { readonly result: Promise<unknown> } | undefined
  const made = calling(async () => {
    job = await other.service.triggerRecalcAsync(day)
    await called.pass()
  })
  await made.service.triggerRecalc(day)
  await expect(job?.result).resolves.toMatchObject({ status: 'completed' })
  expect(made.calculated).toEqual(['a', 'c'])
})

test('after the commit, in other services, and once the unit of work is over, a call is allowed', async () => {
  const other = world({ dailyCalc: { async calculateDay() {} } })
  let later: Promise<unknown> | undefined
  const { service, calculated } = calling(async (own, context) => {
    await expect(other.service.triggerRecalc(day)).resolves.toMatchObject({ status: 'completed' })
    context.afterCommit(() => own.triggerRecalc({ ...day, employeeId: 'b' }))
    later = settled()
      .then(() => settled())
      .then(() => own.triggerRecalc({ ...day, employeeId: 'c' }))
  })
  await service.triggerRecalc(day)
  await later
  expect(calculated).toEqual(['a', 'b', 'c'])
})
