import { once } from 'node:events'
import { Writable } from 'node:stream'
import { dayStage, type HistoryEntry, memoryBackend, parseIsoDate, RecalcService } from 'recalc-service'
import type { HistoryQuery } from 'recalc-service/backend'
import { type CliOptions, runCli } from 'recalc-service/cli'
import { describe, expect, test } from 'vitest'
import { Database } from '../support/database.ts'
import { gate } from '../support/gate.ts'
import { months } from '../support/months.ts'
import { fill, world } from '../support/service.ts'
import { scores, stageOf } from '../support/stages.ts'

const EMPLOYEES = ['ada', 'bob']

/** A host with two employees, in whom 7 January fails as long as `broken` says so. */
function host() {
  const asked: object[] = []
  const history = {
    append: async () => {},
    async list({ of, after, ...query }: HistoryQuery): Promise<readonly HistoryEntry[]> {
      asked.push({ ...query, ...of, ...(after !== null && { after }) })
      return [ENTRY]
    },
  }
  const backend = { ...memoryBackend(), history }
  const state = { broken: true, beforeLoad: async () => {} }
  const values = dayStage<number, undefined>({
    name: 'values',
    reads: { bookings: [0, 0] },
    writes: ['day_values'],
    async load() {
      await state.beforeLoad()
      return undefined
    },
    calculate({ date }) {
      if (state.broken && date === '2025-01-07') throw new Error('no\x1b[31m booking')
      return 1
    },
    save: async () => {},
  })
  const service = () =>
    new RecalcService({
      backend,
      stages: [values],
      employees: {
        listEmployees: async ({ after = '', limit }) =>
          EMPLOYEES.filter((id) => id > after)
            .slice(0, limit)
            .map((id) => ({ id })),
      },
    })
  /** Runs a command with a service of its own, as a script does. */
  const run = async (words: string, options: CliOptions = {}) => {
    const printed = { out: '', err: '' }
    const screen = (name: 'out' | 'err') => ({
      write: (text: string) => {
        printed[name] += text
      },
    })
    const code = await runCli(service(), words.split(' '), { stdout: screen('out'), stderr: screen('err'), ...options })
    return { code, ...printed, json: () => JSON.parse(printed.out.trim().split('\n').at(-1) ?? '') }
  }
  return { run, state, service, asked }
}

/** Where nothing can be written. */
function brokenOutput(code: string): Writable {
  return new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error(`write ${code}`), { code }))
    },
  })
}

const ENTRY: HistoryEntry = {
  ...{ id: '9.1', tenantId: 'acme', employeeId: 'ada', stage: 'values', tables: [], notKept: null },
  date: parseIsoDate('2025-01-01', 'date'),
  through: parseIsoDate('2025-01-01', 'through'),
  ...{ before: null, isBeforeKnown: true, after: { minutes: 5 }, at: new Date('2025-01-02T03:04:05Z') },
  run: { id: 'r1', kind: 'day', jobId: null, reason: 'new rules', actor: 'clerk' },
}

const JANUARY = '--tenant acme --from 2025-01-01 --to 2025-01-31'

describe('a job on the command line', () => {
  test('is started, followed, listed and shown, and its exit code says that days failed', async () => {
    const { run } = host()
    const started = await run(`start --all ${JANUARY} --reason nightly`)
    expect(started.code).toBe(1)
    expect(started.out).toContain('100%  62 of 62 days')
    expect(started.out).toMatch(/^job [\w-]+: completed_with_errors, 60 of 62 days, 2 failed$/m)
    const [listed] = (await run('jobs --json')).json()
    expect(listed).toMatchObject({ tenantId: 'acme', reason: 'nightly', failedDays: 2 })
    const shown = await run(`job ${listed.id}`)
    expect(shown).toMatchObject({ code: 0, err: '' })
    expect(shown.out).toMatch(/^status +completed_with_errors$/m)
    expect(shown.out).toContain('failed: bob on 2025-01-07, values: no\\u001b[31m booking')
    expect((await run(`--json job ${listed.id} --failures 1`)).json().failures).toHaveLength(1)
  })

  test('is resumed, which repairs what failed', async () => {
    const { run, state } = host()
    await run(`start --all ${JANUARY}`)
    const [{ id }] = (await run('jobs --json')).json()
    state.broken = false
    const resumed = await run(`resume ${id}`)
    expect(resumed).toMatchObject({ code: 0, err: '' })
    expect(resumed.out).toContain(`job ${id}: completed, 62 of 62 days`)
    expect((await run(`resume ${id}`)).code).toBe(4)
    expect((await run(`watch ${id}`)).code).toBe(0)
    expect((await run(`cancel ${id}`)).out).toContain('has ended already')
  })

  test('waits for its turn when it is to, and can be paused there and resumed', async () => {
    const { run, state } = host()
    const door = gate()
    state.broken = false
    state.beforeLoad = () => door.pass()
    const first = run(`start --all ${JANUARY}`)
    await door.arrived
    expect((await run(`start --all ${JANUARY}`)).code).toBe(4)
    const second = run(`start --all ${JANUARY} --queue`)
    const queued = async (): Promise<string> => {
      const [job] = (await run('jobs --status queued --json')).json()
      return job?.id ?? (await queued())
    }
    const id = await queued()
    expect((await run(`pause ${id}`)).out).toContain('will pause')
    expect(await second).toMatchObject({ code: 130, err: '' })
    expect((await second).out).toContain(`job ${id}: paused, 0 of 0 days`)
    const resumed = run(`resume ${id} --queue`)
    door.open()
    expect((await first).code).toBe(0)
    expect((await resumed).code).toBe(0)
    expect((await run(`pause ${id}`)).out).toContain('has ended already')
  })

  test.each([
    ['one day of an employee', '--tenant acme --employee ada --date 2025-01-01', 'day', 1],
    ['some days of an employee', `${JANUARY} --employee ada`, 'range', 31],
    ['some employees', `${JANUARY} --employee ada --employee bob`, 'batch', 62],
    ['one day of everybody', '--tenant acme --all --date 2025-01-01', 'all', 2],
  ])('is of %s', async (_, words, kind, totalDays) => {
    const { run, state } = host()
    state.broken = false
    expect((await run(`start ${words}`)).code).toBe(0)
    expect((await run('jobs --json')).json()).toMatchObject([{ kind, totalDays }])
    expect((await run(`estimate ${words} --json`)).json()).toMatchObject({ totalDays })
  })

  test.each([
    ['a reader that has gone', 'EPIPE'],
    ['a full disk', 'ENOSPC'],
  ])('ends with %s, as with a signal, and leaves nothing running', async (_, code) => {
    const { run, state, service } = host()
    const door = gate()
    state.beforeLoad = () => door.pass()
    const stdout = brokenOutput(code)
    const broken = once(stdout, 'error')
    const running = run(`start --all ${JANUARY}`, { stdout })
    await broken
    door.open()
    const ended = await running
    expect(ended.code).toBe(130)
    const [job] = await service().listJobs({ tenantId: 'acme' })
    // A block that was in flight may have been the last one.
    expect(['interrupted', 'completed_with_errors']).toContain(job?.status)
  })

  test('is listed for a reader that has gone, but not onto a full disk', async () => {
    const { run } = host()
    const forReader = await run('jobs', { stdout: brokenOutput('EPIPE') })
    const ontoDisk = await run('jobs', { stdout: brokenOutput('ENOSPC') })
    expect(forReader).toMatchObject({ code: 0, err: '' })
    expect(ontoDisk).toMatchObject({ code: 3, err: 'write ENOSPC\n' })
  })

  test('is interrupted by a signal, and the command to take it up is shown', async () => {
    const { run, state } = host()
    const door = gate()
    const ending = new AbortController()
    state.beforeLoad = () => door.pass()
    const running = run(`start --all ${JANUARY}`, { signal: ending.signal })
    await door.arrived
    ending.abort()
    door.open()
    const { code, out } = await running
    expect(code).toBe(130)
    expect(out).toMatch(/Take it up with: resume [\w-]+$/m)
    expect((await run('jobs --json')).json()).toMatchObject([{ status: 'interrupted' }])
  })

  test('goes on when only the watching is ended', async () => {
    const { run, state, service } = host()
    const door = gate()
    state.broken = false
    state.beforeLoad = () => door.pass()
    const worker = service()
    const job = await worker.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-31' })
    await door.arrived
    expect((await run(`watch ${job.id}`, { signal: AbortSignal.abort() })).code).toBe(130)
    door.open()
    expect(await job.result).toMatchObject({ status: 'completed' })
    await worker.stop()
  })
})

test('a preview tells differences and sums, and is refused where nothing can be rolled back', async () => {
  const { run } = host()
  expect(await run(`preview ${JANUARY} --all`)).toMatchObject({
    code: 2,
    err: expect.stringContaining('no transactions'),
  })
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-01-01': 8, '2025-01-02': 4 })
  const { service } = world({ stages: [stageOf(scores)] }, { database, employees: ['ann'] })
  let out = ''
  const stdout = {
    write(text: string) {
      out += text
    },
  }
  const words = `preview ${JANUARY} --all --limit 1`.split(' ')
  expect(await runCli(service, words, { stdout, stderr: stdout })).toBe(0)
  expect(out).toContain('ann  2025-01-01  scores: null -> 80\n')
  expect(out).not.toContain('2025-01-02')
  expect(out).toMatch(/changed +2\n/)
  expect(out).toMatch(/not told +1\n/)
})

test('a preview tells a bigint as a string, and says by its exit code that a period would fail', async () => {
  const bigints = { ...stageOf(scores), calculate: () => 2n ** 60n }
  const broken = months('hours', () => {
    throw new Error('no rule')
  })
  const run = async (words: string) => {
    // The command stops the service that it is given.
    const { service } = world({ stages: [bigints, broken] }, { employees: ['ann'] })
    let out = ''
    const stdout = {
      write(text: string) {
        out += text
      },
    }
    const code = await runCli(service, words.split(' '), { stdout, stderr: stdout })
    return { code, out }
  }
  const words = 'preview --tenant acme --from 2025-01-01 --to 2025-01-01 --all'
  const forPeople = await run(words)
  expect(forPeople.code).toBe(1)
  expect(forPeople.out).toContain('ann  2025-01-01  scores: null -> "1152921504606846976"\n')
  expect(forPeople.out).toMatch(/failed periods +1\n/)
  const forPrograms = await run(`${words} --json`)
  expect(forPrograms.code).toBe(1)
  expect(forPrograms.out).toContain('"after":"1152921504606846976"')
})

test('a preview of held changes names no days', async () => {
  const database = new Database()
  fill(database, 'hours', 'ann', { '2025-01-01': 8 })
  const closed = [{ from: '2025-01-01', to: '2025-01-31' }]
  const closedPeriods = { closed: async () => new Map([['ann', closed]]) }
  const { service } = world({ stages: [stageOf(scores)] }, { database, employees: ['ann'], closedPeriods })
  const dates = { from: '2025-01-01', to: '2025-01-01' }
  await service.noteChange(undefined as never, { tenantId: 'acme', employeeId: 'ann', table: 'hours', dates })
  await service.settle({ tenantId: 'acme' })
  let out = ''
  const stdout = {
    write(text: string) {
      out += text
    },
  }
  const run = (words: string) => runCli(service, words.split(' '), { stdout, stderr: stdout })
  expect(await run('preview --tenant acme --held')).toBe(0)
  expect(out).toContain('ann  2025-01-01  scores: null -> 80\n')
  expect(await run(`preview ${JANUARY} --held`)).toBe(2)
  expect(out).toContain('Expected --held with --tenant, and at most one --employee')
})

describe('changes on the command line', () => {
  test('are counted, listed and settled', async () => {
    const { run, service } = host()
    const noting = service()
    await noting.noteChange(undefined, { tenantId: 'acme', employeeId: 'ada', table: 'bookings', dates: DAY })
    await noting.noteChange(undefined, { tenantId: 'acme', employeeId: 'bob', table: 'bookings', dates: FAILING })
    expect((await run('freshness --tenant acme --json')).json()).toMatchObject({ dirtyEmployees: 2, changes: 2 })
    expect((await run('dirty --tenant acme')).out).toMatch(/^ +\d+ +waiting +ada +bookings /m)
    const settled = await run('settle --tenant acme --json')
    expect(settled).toMatchObject({ code: 1 })
    expect(settled.json()).toEqual({ days: 2, failed: 1, failedStages: [] })
    expect((await run('dirty --tenant acme --state failing --json')).json()).toMatchObject([{ employeeId: 'bob' }])
    expect((await run('release --tenant acme --json')).json()).toEqual({ released: 0 })
    await noting.stop()
  })

  const DAY = { from: '2025-01-01', to: '2025-01-01' }
  const FAILING = { from: '2025-01-07', to: '2025-01-07' }
})

describe('the command line', () => {
  test.each([
    ['an unknown command', 'begin'],
    ['an unknown option', 'jobs --all'],
    ['a missing tenant', 'start --all --date 2025-01-01'],
    ['nobody', JANUARY.replace('--tenant', 'start --tenant')],
    ['everybody and somebody', `start --all --employee ada ${JANUARY}`],
    ['a day and a range', `start --all --date 2025-01-01 ${JANUARY}`],
    ['no days', 'start --all --tenant acme'],
    ['half a range', 'start --all --tenant acme --from 2025-01-01'],
    ['a day that there is not', 'start --all --tenant acme --date 2025-02-30'],
    ['a status that there is not', 'jobs --status done'],
    ['a number that is none', 'jobs --limit 1.5'],
  ])('refuses %s with exit code 2, and starts nothing', async (_, words) => {
    const { run } = host()
    const { code, out, err } = await run(words)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).not.toBe('')
    expect((await run('jobs --json')).json()).toEqual([])
  })

  test('says in JSON what went wrong, when JSON is asked for', async () => {
    const { run } = host()
    const { code, err } = await run('job x --json')
    expect(code).toBe(4)
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'JOB_NOT_FOUND' } })
  })

  test('tells a database that is away from a command that is wrong', async () => {
    const { service } = host()
    const recalc = service()
    recalc.listJobs = () => Promise.reject(new Error('away'))
    recalc.isTransient = () => true
    const screen = { write() {} }
    expect(await runCli(recalc, ['jobs'], { stdout: screen, stderr: screen })).toBe(5)
    recalc.isTransient = () => false
    expect(await runCli(recalc, ['jobs'], { stdout: screen, stderr: screen })).toBe(3)
  })

  test('knows the commands for tables only where there are tables', async () => {
    const { run } = host()
    expect((await run('migrate')).code).toBe(2)
    const done: unknown[] = []
    const backend = {
      migrate: async () => void done.push('migrated'),
      purgeHistory: async ({ before }: { before: Date }) => done.push(before),
      purgeJobs: async ({ finishedBefore }: { finishedBefore: Date }) => done.push(finishedBefore),
    }
    expect((await run('migrate', { backend })).code).toBe(0)
    expect((await run('purge --before 2025-01-31T00:00:00+01:00 --json', { backend })).json()).toEqual({ removed: 2 })
    expect((await run('purge-history --before 2025-01-01T00:00:00Z --json', { backend })).json()).toEqual({
      removed: 3,
    })
    expect(done).toEqual(['migrated', new Date('2025-01-30T23:00:00Z'), new Date('2025-01-01T00:00:00Z')])
    for (const words of ['purge', 'purge --before 2025-01-31', 'purge --older-than 1 --before 2025-01-31T00:00:00Z']) {
      expect((await run(words, { backend })).code).toBe(2)
    }
  })

  test('tells the history of a day, or of a run, with who asked for it', async () => {
    const { run, asked } = host()
    const found = await run('history --tenant acme --employee ada --date 2025-01-01')
    expect(found.code).toBe(0)
    expect(found.out).toMatch(/2025-01-01 +values +\(no row\) +\{"minutes":5\} +clerk +new rules/)
    expect((await run('history --tenant acme --run r1 --limit 5 --after 9.0 --json')).json()).toMatchObject([
      { id: '9.1' },
    ])
    expect(asked).toEqual([
      { tenantId: 'acme', employeeId: 'ada', from: '2025-01-01', to: '2025-01-01', limit: 20 },
      { tenantId: 'acme', runId: 'r1', limit: 5, after: '9.0' },
    ])
    for (const words of ['', ' --employee ada', ' --employee ada --from 2025-01-01', ' --run r1 --employee ada']) {
      expect((await run(`history --tenant acme${words}`)).code).toBe(2)
    }
  })

  test('names who starts a job', async () => {
    const { run } = host()
    await run(`start --all ${JANUARY} --actor clerk`)
    const [job] = (await run('jobs --json')).json()
    expect((await run(`job ${job.id} --json`)).json()).toMatchObject({ actor: 'clerk' })
  })

  test('explains itself', async () => {
    const { run } = host()
    const help = await run('--help', { name: 'payroll' })
    expect(help.code).toBe(0)
    expect(help.out).toContain('Usage: payroll')
  })
})
