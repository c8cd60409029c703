import type { RecalcBackend } from '../jobs/job-store.ts'
import { admissionCases } from './conformance/admission-cases.ts'
import type { BackendPromise, CaseContext, ConformanceCase, HostRows } from './conformance/conformance-case.ts'
import { correctionCases } from './conformance/correction-cases.ts'
import { eventCases } from './conformance/event-cases.ts'
import { JobBench } from './conformance/job-bench.ts'
import { laneCases } from './conformance/lane-cases.ts'
import { leaseCases } from './conformance/lease-cases.ts'
import { ledgerCases } from './conformance/ledger-cases.ts'
import { periodCases } from './conformance/period-cases.ts'
import { queryCases } from './conformance/query-cases.ts'
import { queueCases } from './conformance/queue-cases.ts'
import { stepCases } from './conformance/step-cases.ts'
import { hostRowsCases, unitOfWorkCases } from './conformance/unit-of-work-cases.ts'

/** The backend to be tested. */
export interface BackendConformanceOptions<Tx> {
  /** A backend without jobs, for one test alone. */
  makeBackend(): RecalcBackend<Tx> | Promise<RecalcBackend<Tx>>
  /** Called at the end of each test that made a backend. */
  dispose?(backend: RecalcBackend<Tx>): void | Promise<void>
  /**
   * Something of the host's own that takes part in a unit of work, such as a table that is empty when the backend is made.
   * Without it the tests of commit and rollback of the host's own data are skipped.
   */
  rows?(backend: RecalcBackend<Tx>): HostRows<Tx>
  /**
   * Makes the database end a transaction under its unit of work, as it does to the victim of a deadlock: say, another session
   * kills that of the transaction. May reject. Without it the test of what becomes of such a unit of work is skipped.
   */
  endTransaction?(tx: Tx): Promise<void>
  /**
   * What the backend does not promise, each with the reason why. `employeeLocks`: `lockEmployees` keeps units of work
   * apart; `parallelUnitsOfWork`: several can be open at once.
   */
  readonly without?: Readonly<Partial<Record<BackendPromise, string>>>
}

/** One test that any test runner can run. */
export interface ConformanceTest {
  /** A sentence about the backend; different for each. */
  readonly name: string
  /** Why the test does not apply; undefined when it does. Show it: a test that is left out in silence is none. */
  readonly skip: string | undefined
  /** Rejects with an `AssertionError` when the backend breaks the contract, and at once when the test is to be skipped. */
  run(): Promise<void>
}

/**
 * The contract of `RecalcBackend` as tests: what a backend must do so that jobs can be trusted to it. They depend on no
 * test runner.
 *
 * @example
 * import test from 'node:test'
 * for (const { name, skip, run } of backendConformance({ makeBackend: () => myBackend() })) test(name, { skip }, run)
 */
export function backendConformance<Tx>(options: BackendConformanceOptions<Tx>): readonly ConformanceTest[] {
  const { rows, endTransaction, without = {} } = options
  const cases: readonly ConformanceCase[] = [
    ...unitOfWorkCases,
    ...admissionCases,
    ...leaseCases,
    ...queueCases,
    ...eventCases,
    ...stepCases,
    ...laneCases,
    ...periodCases,
    ...queryCases,
    ...ledgerCases,
    ...correctionCases,
  ]
  const noRows = rows ? undefined : 'no `rows` of the host were given'
  const noEnd = endTransaction ? undefined : 'no `endTransaction` of the host was given'
  return [
    ...cases.map((one) => {
      const skip = one.needs?.map((promise) => without[promise]).find((reason) => reason !== undefined)
      return testOf(options, one.name, skip, (context) => one.run(context))
    }),
    ...hostRowsCases.map((one) =>
      testOf(options, one.name, noRows ?? (one.needs && noEnd), async (context) => {
        if (rows)
          await one.run({
            ...context,
            rows: rows(context.backend),
            endTransaction: async (tx) => await endTransaction?.(tx),
          })
      }),
    ),
  ]
}

function testOf<Tx>(
  options: BackendConformanceOptions<Tx>,
  name: string,
  skip: string | undefined,
  run: (context: CaseContext<Tx>) => Promise<void>,
): ConformanceTest {
  return {
    name,
    skip,
    async run() {
      if (skip !== undefined) throw new Error(`This test is to be skipped: ${skip}`)
      const backend = await options.makeBackend()
      try {
        await run({ backend, bench: new JobBench(backend) })
      } finally {
        await options.dispose?.(backend)
      }
    },
  }
}
