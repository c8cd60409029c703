import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Arbitrary } from 'fast-check'
import type { DayKey, EmployeeDay } from '../../pipeline/employee-day.ts'
import type { UnitOfWork } from '../../run/units/unit-of-work.ts'
import { type StageTest, type StageTestOptions, type StageUnderTest, testStage } from './test-stage.ts'

/** A random case: some days, and tables in a random state. */
export interface StageCase<Tx> extends StageTestOptions<Tx> {
  /** Opens the tables in that state; called several times, and each call must begin with the same rows. */
  open(): Promise<
    | {
        /** What the stage gets as `context.tx`. */
        readonly tables: Tx
      }
    | {
        /** What opens a transaction of its own. */
        readonly unitOfWork: UnitOfWork<Tx>
      }
  >
}

/**
 * Checks with random cases what every run relies on:
 * - `calculate` is pure: the same arguments give the same value, and are left as they were;
 * - a day's value does not depend on the block that it is calculated in;
 * - `stored` gives back what `save` wrote;
 * - running again with nothing changed writes nothing.
 *
 * It needs your own fast-check.
 *
 * @param options.numRuns How many cases. Default 100.
 * @example
 * await checkStage(hours, fc.array(booking).map((rows) => ({
 *   days: { employeeIds: ['1', '2'], from: '2025-03-28', to: '2025-04-02' },
 *   open: async () => ({ tables: { bookings: new MemoryTable(['id'], rows), hours: new MemoryTable(['employee_id', 'date']) } }),
 * })))
 * @throws fast-check's error, with the smallest case that breaks a law and the seed that repeats it.
 */
export async function checkStage<Value, Inputs, Tx>(
  stage: StageUnderTest<Value, Inputs, Tx>,
  arbitrary: Arbitrary<StageCase<Tx>>,
  options: { readonly numRuns?: number; readonly seed?: number } = {},
): Promise<void> {
  const { assert: check, asyncProperty } = await import('fast-check')
  await check(
    asyncProperty(arbitrary, async (one) => {
      const run = async (block: StageTestOptions<Tx>['block'], source: Awaited<ReturnType<typeof one.open>>) =>
        await testStage(pure(stage), { ...one, ...(block && { block }), ...source })
      const source = await one.open()
      const whole = await run(one.block, source)
      if (stage.stored) {
        const again = await run(one.block, source)
        sameValues(stage, whole.values, again.values, 'another value when it was calculated again')
        assertNothingToWrite(again)
      }
      const small = await run({ employees: 1, days: 1 }, await one.open())
      sameValues(stage, whole.values, small.values, 'another value in a block of its own')
    }),
    { ...options, includeErrorInReport: true },
  )
}

/** The stage, whose `calculate` is called twice and must neither remember nor change anything. */
function pure<Value, Inputs, Tx>(stage: StageUnderTest<Value, Inputs, Tx>): StageUnderTest<Value, Inputs, Tx> {
  return {
    ...stage,
    calculate(day: EmployeeDay, inputs: Inputs, previous: Value | null) {
      const before = copyOf({ inputs, previous })
      const value = stage.calculate(day, inputs, previous)
      if (before)
        assert.deepStrictEqual({ inputs, previous }, before, `${nameOf(stage, day)} changed what it was handed`)
      const second = stage.calculate(day, inputs, previous)
      assert.ok(isSame(stage, value, second), `${nameOf(stage, day)} gave two values for the same arguments`)
      return value
    },
  }
}

/** Undefined for what cannot be copied, such as inputs with functions. */
function copyOf<T>(value: T): T | undefined {
  try {
    return structuredClone(value)
  } catch {
    return undefined
  }
}

function sameValues<Value, Inputs, Tx>(
  stage: StageUnderTest<Value, Inputs, Tx>,
  values: ReadonlyMap<DayKey, Value | null>,
  others: ReadonlyMap<DayKey, Value | null>,
  what: string,
): void {
  for (const [key, value] of values) {
    const other = others.get(key) ?? null
    if (!isSame(stage, value, other)) assert.deepStrictEqual(other, value, `\`${stage.name}\` gave ${key} ${what}`)
  }
}

function assertNothingToWrite({ upserts, deletes }: StageTest<unknown>): void {
  const [upsert] = upserts
  const { stored, value } = upsert ?? {}
  const message = `${upserts.length} days and ${deletes.length} deletes were written again, though nothing had changed: \`stored\` does not give back what \`save\` wrote`
  if (upsert) assert.deepStrictEqual(stored, value, message)
  assert.equal(upserts.length + deletes.length, 0, message)
}

function isSame<Value, Inputs, Tx>(
  stage: StageUnderTest<Value, Inputs, Tx>,
  a: Value | null,
  b: Value | null,
): boolean {
  if (a === null || b === null) return a === b
  return stage.isEqual ? stage.isEqual(a, b) : isDeepStrictEqual(a, b)
}

function nameOf(stage: { readonly name: string }, { employeeId, date }: EmployeeDay): string {
  return `\`calculate\` of \`${stage.name}\` (${employeeId}, ${date})`
}
