import {
  dayStage,
  type EmployeeRepository,
  type IsoDate,
  type JobEmployee,
  JobNotFoundError,
  memoryBackend,
  type RecalcService,
  tenantStage,
} from 'recalc-service'
import { describe, expect, test } from 'vitest'
import { gate } from '../support/gate.ts'
import { office, RANGE, TENANT } from './support/office.ts'

type Service = RecalcService<undefined>

/** Everybody, page by page. */
async function everybody(service: Service, jobId: string, limit: number): Promise<readonly JobEmployee[]> {
  const found: JobEmployee[] = []
  for (;;) {
    const after = found.at(-1)?.id
    const page = await service.listJobEmployees(jobId, { limit, ...(after !== undefined && { after }) })
    found.push(...page)
    if (page.length < limit) return found
  }
}

/** Who is how far: `'e1 3'`, and from where on the rest is blocked: `'e1 3 blocked from 2025-01-02'`. */
async function grid(service: Service, jobId: string, limit = 100): Promise<readonly string[]> {
  const employees = await everybody(service, jobId, limit)
  return employees.map(({ id, datesDone, blockedFrom }) =>
    [id, datesDone, ...(blockedFrom ? ['blocked from', blockedFrom] : [])].join(' '),
  )
}

/** Twenty employees whom the host orders as numbers, which JavaScript does not: '10' < '9'. */
const numbers = Array.from({ length: 20 }, (_, i) => `${i + 1}`)

/** A repository in an order of its own, which gives at most so many at a time. */
function repository(staff: string[], atOnce = 100): EmployeeRepository & { calls: number } {
  return {
    calls: 0,
    async listEmployees({ after, limit }) {
      this.calls += 1
      const rest = staff.filter((id) => after === undefined || Number(id) > Number(after))
      return rest.slice(0, Math.min(limit, atOnce)).map((id) => ({ id, name: `Employee ${id}` }))
    },
    countEmployees: async () => staff.length,
  }
}

describe('a job of everybody', () => {
  const limits = [1, 2, 3, 7, 20, 100]

  test.for([100, 3, 1])(
    'says how far it is with whom, in the order of the host, which gives %i at a time',
    async (atOnce) => {
      const door = gate()
      const employees = repository(numbers, atOnce)
      const calculate = (day: string) => day === '10 2025-01-03' && door.pass()
      const { service } = office({ employees, calculate })
      const job = await service.triggerRecalcAllAsync(RANGE)
      await door.arrived
      const expected = numbers.map((id) => `${id} ${Number(id) < 10 ? 3 : id === '10' ? 2 : 0}`)
      for (const limit of limits) expect(await grid(service, job.id, limit), `${limit} at a time`).toEqual(expected)
      door.open()
      await job.result
      for (const limit of limits) expect(await grid(service, job.id, limit)).toEqual(numbers.map((id) => `${id} 3`))
    },
  )

  test.for([
    ['who was dispatched last', ['12']],
    ['who comes next', ['13']],
    ['both, and more', ['11', '12', '13', '14']],
    ['everybody behind', ['13', '14', '15', '16', '17', '18', '19', '20']],
    ['everybody in front', ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']],
  ] as const)('is not confused when %s has left', async ([, left]) => {
    const door = gate()
    const staff = [...numbers]
    // Four employees are dispatched at a time, so '12' is the last one while '10' is at work.
    const { service, backend } = office({
      employees: repository(staff, 4),
      calculate: (day) => day === '10 2025-01-01' && door.pass(),
    })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    expect((await backend.jobs.checkpoint(job.id))?.dispatchedThrough).toBe('12')
    for (const id of left) staff.splice(staff.indexOf(id), 1)
    const expected = staff.map((id) => `${id} ${Number(id) < 10 ? 3 : 0}`)
    for (const limit of limits) expect(await grid(service, job.id, limit)).toEqual(expected)
    door.open()
    await job.result
  })

  test('tells everybody’s name, and nothing about who came after it has ended', async () => {
    const staff = ['1', '2']
    const { service } = office({ employees: repository(staff) })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    expect(await service.listJobEmployees(job.id)).toEqual([
      { id: '1', name: 'Employee 1', datesDone: 3, failures: [], blockedFrom: null, closed: [] },
      { id: '2', name: 'Employee 2', datesDone: 3, failures: [], blockedFrom: null, closed: [] },
    ])
  })

  test('has begun with nobody as long as it is queued, and after a cancellation shows where it stopped', async () => {
    const door = gate()
    const employees = repository(numbers)
    const listing = { ...employees, listEmployees: employees.listEmployees.bind(employees) }
    const { service } = office({
      employees: { ...listing, countEmployees: () => door.pass().then(() => 20) },
      calculate: (day) => day === '7 2025-01-02' && job.cancel(),
    })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await door.arrived
    expect(await grid(service, job.id, 6)).toEqual(numbers.map((id) => `${id} 0`))
    door.open()
    expect(await job.result).toMatchObject({ status: 'cancelled' })
    const stopped = numbers.map((id) => `${id} ${Number(id) < 7 ? 3 : id === '7' ? 2 : 0}`)
    expect(await grid(service, job.id, 6)).toEqual(stopped)
    await (await service.resumeJob(job.id)).result
    expect(await grid(service, job.id, 6)).toEqual(numbers.map((id) => `${id} 3`))
  })

  test('costs few calls of the host, however far a page is from where the job is', async () => {
    const door = gate()
    const staff = Array.from({ length: 5_000 }, (_, i) => `${i + 1}`)
    const employees = repository(staff, 1_000)
    const { service } = office({ employees, calculate: (day) => day === '2500 2025-01-01' && door.pass() })
    const job = await service.triggerRecalcAllAsync({ ...RANGE, to: RANGE.from })
    await door.arrived
    const cost = async (after?: string) => {
      const before = employees.calls
      const [first] = await service.listJobEmployees(job.id, { ...(after && { after }), limit: 10 })
      return { first: `${first?.id} ${first?.datesDone}`, calls: employees.calls - before }
    }
    expect(await cost('2490')).toEqual({ first: '2491 1', calls: 1 })
    // The order of the first page is probed by one more call.
    expect(await cost()).toEqual({ first: '1 1', calls: 3 })
    expect(await cost('1')).toMatchObject({ first: '2 1' })
    expect(await cost('4980')).toMatchObject({ first: '4981 0' })
    for (const after of ['1', '1000', '4000', '4980']) expect((await cost(after)).calls).toBeLessThanOrEqual(7)
    await job.cancel()
    door.open()
    await job.result
  })
})

describe('a job that names its employees', () => {
  // As JavaScript has it, which neither UTF-8 nor any collation does.
  const ids = ['10', '9', 'E', 'a', 'e', 'ä', '\u{1f600}', '\uffff']

  test.for([1, 2, 3, 8, 100])('lists them in the order of JavaScript, %i at a time, without names', async (limit) => {
    const doors = { 'a 2025-01-02': gate(), 'e 2025-01-03': gate() }
    const { service } = office({ calculate: (day) => doors[day as keyof typeof doors]?.pass() })
    const job = await service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: ids })
    await doors['a 2025-01-02'].arrived
    expect(await grid(service, job.id, limit)).toEqual(ids.map((id, i) => `${id} ${i < 3 ? 3 : id === 'a' ? 1 : 0}`))
    doors['a 2025-01-02'].open()
    await doors['e 2025-01-03'].arrived
    expect(await grid(service, job.id, limit)).toEqual(ids.map((id, i) => `${id} ${i < 4 ? 3 : id === 'e' ? 2 : 0}`))
    doors['e 2025-01-03'].open()
    await job.result
    const done = await everybody(service, job.id, limit)
    expect(done.map(({ id, name, datesDone }) => [id, name, datesDone])).toEqual(ids.map((id) => [id, null, 3]))
    expect(await service.listJobEmployees(job.id, { after: 'b' })).toHaveLength(4)
  })

  test('of one employee, of nobody: a range, a day and an empty batch', async () => {
    const { service } = office()
    const range = await service.triggerRecalcRangeAsync({ ...RANGE, employeeId: 'e1' })
    const day = await service.triggerRecalcAsync({ tenantId: TENANT, employeeId: 'e2', date: RANGE.to })
    const none = await service.triggerRecalcBatchAsync({ ...RANGE, employeeIds: [] })
    await Promise.all([range.result, day.result, none.result])
    expect(await grid(service, range.id)).toEqual(['e1 3'])
    expect(await grid(service, day.id)).toEqual(['e2 1'])
    expect(await grid(service, none.id)).toEqual([])
  })
})

describe('failures', () => {
  test('stand with their employee, ascending by date, and block nothing where days stand alone', async () => {
    const { service, failing } = office({ staff: ['e1', 'e2', 'e3'] })
    for (const day of ['e1 2025-01-03', 'e1 2025-01-01', 'e3 2025-01-02']) failing.add(day)
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    const all = await service.listJobFailures(job.id)
    expect(all).toHaveLength(3)
    const [e1, e2, e3] = await service.listJobEmployees(job.id)
    expect(e1).toMatchObject({ id: 'e1', datesDone: 3, blockedFrom: null, closed: [] })
    expect(e1!.failures.map(({ date, message }) => [date, message])).toEqual([
      ['2025-01-01', 'no hours for e1 2025-01-01'],
      ['2025-01-03', 'no hours for e1 2025-01-03'],
    ])
    expect(e2).toMatchObject({ failures: [], blockedFrom: null, closed: [] })
    expect([...e1!.failures, ...e3!.failures]).toEqual(all)
    expect(await service.listJobEmployees(job.id, { after: 'e1', limit: 1 })).toEqual([e2])
  })

  test('of days that build on earlier ones block the later days of their employee', async () => {
    const failing = new Set(['e1 2025-01-02', 'e2 2025-01-03', 'e3 2025-01-01'])
    const stages = [balances(failing)]
    const options = { stages, staff: ['e1', 'e2', 'e3', 'e4'], block: { days: 1, employees: 2 } }
    const { service, backend, clock } = office(options)
    const job = await service.triggerRecalcAllAsync(RANGE)
    expect(await job.result).toMatchObject({ failedDays: 2 + 1 + 3, errorCount: 3 })
    const blocked = ['e1 3 blocked from 2025-01-03', 'e2 3', 'e3 3 blocked from 2025-01-02', 'e4 3']
    expect(await grid(service, job.id)).toEqual(blocked)
    failing.delete('e3 2025-01-01')
    failing.add('e3 2025-01-02')
    await (await service.resumeJob(job.id)).result
    expect(await grid(service, job.id)).toEqual([...blocked.slice(0, 2), 'e3 3 blocked from 2025-01-03', 'e4 3'])
    failing.clear()
    expect(await (await service.resumeJob(job.id)).result).toMatchObject({ status: 'completed' })
    expect(await grid(service, job.id)).toEqual(['e1 3', 'e2 3', 'e3 3', 'e4 3'])
    const withoutStage = office({ backend, clock })
    expect((await withoutStage.service.listJobEmployees(job.id))[0]).toMatchObject({
      datesDone: 3,
      blockedFrom: null,
      closed: [],
    })
  })

  test('are listed by number, a page at a time, and those of tenant stages stand with nobody', async () => {
    const ranking = tenantStage<undefined>({
      name: 'ranking',
      writes: ['ranking'],
      run: () => Promise.reject(new Error('no ranks')),
    })
    const { service } = office({ stages: [balances(new Set(['e1 2025-01-02', 'e2 2025-01-01'])), ranking] })
    const job = await service.triggerRecalcAllAsync(RANGE)
    await job.result
    const all = await service.listJobFailures(job.id)
    expect(all.map(({ employeeId, date, stage }) => [employeeId, date, stage])).toEqual([
      ['e1', '2025-01-02', 'balances'],
      ['e2', '2025-01-01', 'balances'],
      [null, null, 'ranking'],
    ])
    const pages = [await service.listJobFailures(job.id, { limit: 2 })]
    pages.push(await service.listJobFailures(job.id, { limit: 2, after: pages[0]!.at(-1)!.number }))
    expect(pages.map(({ length }) => length)).toEqual([2, 1])
    expect(pages.flat()).toEqual(all)
    expect(await service.listJobFailures(job.id, { employeeId: 'e2' })).toEqual([all[1]])
    expect(await service.listJobFailures(job.id, { employeeId: 'e2', after: all[1]!.number })).toEqual([])
    expect(await service.listJobFailures(job.id, { employeeId: 'nobody' })).toEqual([])
    const employees = await service.listJobEmployees(job.id)
    expect(employees.map(({ failures }) => failures.length)).toEqual([1, 1])
  })
})

test('closed days are dealt with', async () => {
  const closedThrough = async () => new Map([['e1', '2025-01-02' as IsoDate]])
  const { service } = office({ closedPeriods: { closedThrough } })
  const job = await service.triggerRecalcAllAsync(RANGE)
  expect(await job.result).toMatchObject({ skippedDays: 2 })
  expect(await grid(service, job.id)).toEqual(['e1 3', 'e2 3'])
})

test('a job of tenant stages alone has no employees', async () => {
  const ranking = tenantStage<undefined>({ name: 'ranking', writes: ['ranking'], run: async () => {} })
  const { service } = office({ stages: [balances(new Set()), ranking] })
  const job = await service.triggerRecalcAllAsync(RANGE, { tables: ['ranking'] })
  await job.result
  expect(await grid(service, job.id)).toEqual([])
})

test('a job that nobody knows has neither employees nor failures', async () => {
  const { service } = office()
  await expect(service.listJobEmployees('nobody')).rejects.toBeInstanceOf(JobNotFoundError)
  await expect(service.listJobFailures('nobody')).rejects.toBeInstanceOf(JobNotFoundError)
})

test('a job that is forgotten while it is looked at is not found', async () => {
  const backend = memoryBackend()
  const { service } = office({ backend })
  const job = await service.triggerRecalcAllAsync(RANGE)
  await job.result
  backend.jobs.checkpoint = async () => undefined
  await expect(service.listJobEmployees(job.id)).rejects.toBeInstanceOf(JobNotFoundError)
})

/** Each day builds on the day before. */
function balances(failing: ReadonlySet<string>) {
  return dayStage<number, undefined, undefined>({
    name: 'balances',
    reads: { balances: [-1, 0] },
    writes: ['balances'],
    load: async () => undefined,
    calculate({ employeeId, date }, _, previous) {
      if (failing.has(`${employeeId} ${date}`)) throw new Error(`no balance for ${employeeId} on ${date}`)
      return (previous ?? 0) + 1
    },
    stored: async () => new Map(),
    save: async () => {},
  })
}

describe('which days are closed', () => {
  const closing = {
    closed: [
      [
        'e1',
        [
          { from: '2024-12-30', to: '2025-01-02' },
          { from: '2025-02-01', to: '2025-02-28' },
        ],
      ],
    ] as const,
  }

  /** A service of which a job is over; afterwards `answer` is what becomes of the question which days are closed. */
  async function overWith(closed: typeof closing.closed | readonly [], answer?: () => Promise<never>) {
    let asked = 0
    let isOver = false
    const made = office({
      closedPeriods: {
        closed: async () => {
          if (isOver) asked += 1
          return isOver && answer ? await answer() : new Map(closed)
        },
      },
    })
    const job = await made.service.triggerRecalcAllAsync(RANGE)
    await job.result
    isOver = true
    return { ...made, id: job.id, asked: () => asked }
  }

  const closedIn = (page: readonly JobEmployee[]) => page.map(({ closed }) => closed)

  test('is said within the dates of the job', async () => {
    const { service, id } = await overWith(closing.closed)
    const page = await service.listJobEmployees(id)
    expect(closedIn(page)).toEqual([[{ from: '2025-01-01', to: '2025-01-02' }], []])
  })

  test('is not asked where the job has left none alone', async () => {
    const { service, id, asked } = await overWith([])
    const page = await service.listJobEmployees(id)
    expect(closedIn(page)).toEqual([[], []])
    expect(asked()).toBe(0)
  })

  test.for([
    ['throws', async () => Promise.reject(new Error('no calendar')), /could not be asked: no calendar/],
    ['gives nonsense', async () => 'march' as never, /could not be asked: Expected .closed\(…\). to be a map/],
  ] as const)('is unknown when the host %s, and all else is told', async ([, answer, message]) => {
    const { service, id, log } = await overWith(closing.closed, answer)
    const page = await service.listJobEmployees(id)
    expect(closedIn(page)).toEqual([null, null])
    expect(page.map(({ datesDone }) => datesDone)).toEqual([3, 3])
    const warnings = log.filter(({ level }) => level === 'warn')
    expect(warnings).toEqual([expect.objectContaining({ message: expect.stringMatching(message) })])
  })

  test('is unknown when the host does not answer in time', async () => {
    const door = gate()
    const { service, id, clock } = await overWith(closing.closed, () => door.pass() as Promise<never>)
    const page = service.listJobEmployees(id)
    await door.arrived
    await clock.advance(5_000)
    expect(closedIn(await page)).toEqual([null, null])
    door.open()
  })
})
