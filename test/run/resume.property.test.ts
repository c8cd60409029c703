import { expect, test } from 'vitest'
import { dayKey, type JobEvent, type JobHandle, memoryBackend, type RecalcResult } from '../../src/index.ts'
import { type Database, type Point, type RowWrite, TransientError } from '../support/database.ts'
import { fc } from '../support/fc.ts'
import { HANGS_MS } from '../support/limits.ts'
import type { Rows } from '../support/naive.ts'
import { clockAhead, type Process, startProcess } from '../support/processes.ts'
import { runs } from '../support/runs.ts'
import {
  databaseOf,
  expectationOf,
  faultsOf,
  optionsOf,
  pipelines,
  rowsBefore,
  rowsOf,
  type Scenario,
  scenarios,
  strike,
} from '../support/scenario.ts'
import { employeeList, TENANT } from '../support/service.ts'

const LEASE_MS = 60_000

/** What befalls a run at its nth moment; its passing faults are gone when the job is resumed without any. */
interface Mishap {
  readonly moment: number
  readonly kind: 'cancel' | 'stop' | 'crash' | 'none'
}

/** Everything that goes wrong with a job. */
interface Trouble {
  readonly mishaps: readonly Mishap[]
  readonly transients: readonly number[]
  readonly onError: 'fail-fast' | 'continue'
  faults(disturbed: boolean): Scenario['faults']
}

const mishaps = fc.array(
  fc.record({
    moment: fc.nat({ max: 25 }),
    kind: fc.constantFrom<Mishap['kind'][]>('cancel', 'stop', 'crash', 'none'),
  }),
  { maxLength: 4 },
)

const cases = scenarios({ faults: true }).chain((scenario) =>
  fc.record({
    scenario: fc.constant(scenario),
    passing: faultsOf(scenario),
    mishaps,
    transients: fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 6 }),
    failFast: fc.boolean(),
  }),
)

test('a job that is cancelled, stopped, killed and resumed at any moment comes to what one undisturbed run gives', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ scenario, passing, mishaps, transients, failFast }) => {
      // A fail-fast job never gets past a fault that stays.
      const staying = failFast ? [] : scenario.faults
      const before = rowsBefore(scenario)
      const database = databaseOf(before)
      const expected = expectationOf(scenario, staying)
      watchReaders(database, scenario, before, expected.rows)

      const job = new DisturbedJob(database, scenario, {
        mishaps,
        transients,
        onError: failFast ? 'fail-fast' : 'continue',
        faults: (disturbed) => (disturbed ? [...staying, ...passing] : staying),
      })
      const result = await job.runToItsEnd()

      expect(rowsOf(database, before)).toEqual(expected.rows)
      const { rows, failed, unchangedDays, ...counters } = expected
      expect(result).toMatchObject({
        ...counters,
        totalDays: scenario.employees.length * scenario.dates.length,
        errorCount: failed.length,
        status: failed.length > 0 ? 'completed_with_errors' : 'completed',
      })
      expect(result.errors.map((error) => dayKey({ employeeId: error.employeeId!, date: error.date! })).sort()).toEqual(
        failed.map(dayKey).sort(),
      )
      expectOrderlyEvents(job.events, job.results)
      expect(database.misuse).toEqual([])
      expect(database.lockedKeys).toEqual([])
    }),
    { numRuns: runs(120, 1_500), timeout: HANGS_MS },
  )
})

/** A job and the processes that work on it, one after the other. */
class DisturbedJob {
  readonly results: RecalcResult[] = []
  readonly events: JobEvent[] = []
  readonly #jobs = memoryBackend().jobs
  readonly #database: Database
  readonly #scenario: Scenario
  readonly #trouble: Trouble
  #crashes = 0
  #jobId: string | undefined

  constructor(database: Database, scenario: Scenario, trouble: Trouble) {
    this.#database = database
    this.#scenario = scenario
    this.#trouble = trouble
  }

  async runToItsEnd(): Promise<RecalcResult> {
    const { mishaps } = this.#trouble
    for (let run = 0; ; run++) {
      const ended = await this.#run(mishaps[run])
      if (!ended || (ended.result.status !== 'completed' && run <= mishaps.length)) continue
      for await (const event of ended.handle.events()) this.events.push(event)
      return ended.result
    }
  }

  /** One run, which ends by itself or by its mishap; undefined when the process died. */
  async #run(mishap: Mishap | undefined): Promise<{ handle: JobHandle; result: RecalcResult } | undefined> {
    const died = Promise.withResolvers<undefined>()
    const abort = new AbortController()
    let moments = 0
    let begun = 0
    const process = this.#start((point) => {
      if (mishap && moments++ === mishap.moment) {
        if (mishap.kind === 'stop') void process.service.stop()
        else if (mishap.kind === 'cancel' && this.#jobId) void process.service.cancelJob(this.#jobId)
        else if (mishap.kind === 'cancel') abort.abort('no longer wanted')
        else if (mishap.kind === 'crash') {
          process.kill()
          died.resolve(undefined)
          if (point.name !== 'calculate') return new Promise(() => {})
        }
      }
      if (point.name === 'begin' && this.#trouble.transients.includes(begun++)) throw new TransientError('deadlock')
      strike(this.#trouble.faults(mishap !== undefined), point)
    })
    const handle = await Promise.race([this.#openJob(process, abort.signal), died.promise])
    this.#jobId ??= handle?.id
    const result = await Promise.race([handle?.result, died.promise])
    if (result) this.results.push(result)
    else this.#crashes += 1
    await Promise.race([process.service.stop(), died.promise])
    return handle && result && { handle, result }
  }

  #start(probe: (point: Point) => void | Promise<void>): Process {
    const { employees } = this.#scenario
    const options = {
      ...optionsOf(this.#scenario),
      employees: employeeList(employees),
      retry: { attempts: 20, minDelayMs: 0, maxDelayMs: 0 },
      progressIntervalMs: 0,
      leaseMs: LEASE_MS,
      // A dead process's lease must have run out.
      clock: clockAhead(this.#crashes * (LEASE_MS + 1)),
    }
    return startProcess(this.#database, this.#jobs, options, probe)
  }

  async #openJob({ service }: Process, signal: AbortSignal): Promise<JobHandle> {
    const { dates, clearExisting } = this.#scenario
    const jobId = this.#jobId
    if (!jobId) {
      const request = { tenantId: TENANT, from: dates[0]!, to: dates.at(-1)! }
      return await service.triggerRecalcAllAsync(request, { clearExisting, onError: this.#trouble.onError, signal })
    }
    const { status } = await service.getJob(jobId)
    if (status !== 'running' && status !== 'queued') return await service.resumeJob(jobId)
    await service.start()
    return await service.openJob(jobId)
  }
}

/** Whoever reads after any commit sees each day wholly as it was or wholly as it will be. */
function watchReaders(database: Database, { pipeline }: Scenario, before: Rows, after: Rows): void {
  const tables = pipelines[pipeline]!.map(({ table }) => table)
  const seen = (rows: Rows, key: string) => tables.map((table) => rows.get(table)?.get(key)).join()
  database.onCommit = (writes: readonly RowWrite[]) => {
    const now = rowsOf(database, before)
    for (const { key } of writes) {
      if (![seen(before, key), seen(after, key)].includes(seen(now, key))) database.misuse.push(`${key} is half done`)
    }
  }
}

function expectOrderlyEvents(events: readonly JobEvent[], results: readonly RecalcResult[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  expect(events[0]?.type).toBe('queued')
  expect(events[1]?.type).toBe('started')
  const ends = events.filter((event) => 'result' in event)
  // Of a run that died nobody has a result; whoever took the job over says that it was cut off.
  const own = ends.map(({ result }) => result).filter(({ error }) => error?.code !== 'LEASE_LOST')
  expect(own).toEqual(results)
  const begun = events.filter(({ type }) => type === 'started' || type === 'resumed')
  expect(ends).toHaveLength(begun.length)
  expect(events.at(-1)).toBe(ends.at(-1))
  for (const [i, event] of events.entries()) {
    const next = events[i + 1]
    if ('result' in event && next) expect(next.type).toBe('resumed')
  }
  const progress = events.filter((event) => event.type === 'progress')
  for (const [i, event] of progress.entries()) {
    const { current, total, processedDays, skippedDays, failedDays } = event
    expect(current).toBe(processedDays + skippedDays + failedDays)
    expect(current).toBeLessThanOrEqual(total)
    const last = progress[i - 1]
    if (!last) continue
    for (const name of ['current', 'progress', 'processedDays', 'skippedDays', 'unchangedDays'] as const) {
      expect(event[name], name).toBeGreaterThanOrEqual(last[name])
    }
  }
}
