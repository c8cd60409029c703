import { systemClock } from '../../calendar/clock.ts'
import { memoryBackend } from '../../memory/memory-backend.ts'
import type { StageContext } from '../../pipeline/context.ts'
import { type DayKey, dayKey, type EmployeeDay } from '../../pipeline/employee-day.ts'
import type {
  DayChanges,
  DayStage,
  DayStageDefinition,
  DayValue,
  Stage,
  ValueStageDefinition,
} from '../../pipeline/stages.ts'
import { RecalcService } from '../../recalc-service.ts'
import type { BlockShape } from '../../run/blocks/block-calculator.ts'
import type { ClosedPeriods } from '../../run/plan/host-contracts.ts'
import { RecalcFailedError } from '../../run/recalc-failed-error.ts'
import type { UnitOfWork } from '../../run/units/unit-of-work.ts'

/** What `dayStage` gives. */
export type StageUnderTest<Value, Inputs, Tx> = Pick<DayStage, 'kind'> &
  (DayStageDefinition<Value, Inputs, Tx> | ValueStageDefinition<Value, Inputs, Tx>)

/** Days of some employees. */
export interface TestDays {
  /** Default `test`. */
  readonly tenantId?: string
  /** The employees; any ids will do. */
  readonly employeeIds: readonly string[]
  /** The first day, `YYYY-MM-DD`. */
  readonly from: string
  /** Inclusive. */
  readonly to: string
}

/** What a stage is tested with. */
export interface StageTestOptions<Tx> {
  /** Which days are calculated. */
  readonly days: TestDays
  /** Default `UTC`. */
  readonly zone?: string
  /** Earlier stages, whose values it reads. */
  readonly earlier?: readonly Stage<Tx>[]
  /** As of the service. Default: no day is closed. */
  readonly closedPeriods?: ClosedPeriods<Tx>
  /** As of the service. Default: 25 employees and 31 days. */
  readonly block?: Partial<BlockShape>
  /** Default: the machine's. */
  readonly now?: Date
}

/** Where the stage reads and writes. */
export type StageSource<Inputs, Tx> =
  /** What `load` would give: nothing is loaded, and nothing is saved. */
  | {
      /** What `calculate` gets as its inputs. */
      readonly inputs: Inputs
      /** What the stage gets as `context.tx`. */
      readonly tables?: undefined
      /** What opens transactions. */
      readonly unitOfWork?: undefined
    }
  /** What the stage gets as `context.tx`: tables in memory, or an open transaction of a test's own. */
  | {
      /** What the stage gets as `context.tx`. */
      readonly tables: Tx
      /** What `calculate` gets as its inputs. */
      readonly inputs?: undefined
      /** What opens transactions. */
      readonly unitOfWork?: undefined
    }
  /** As a backend has it, for example `sqlUnitOfWork(kysely)`. */
  | {
      /** What opens transactions. */
      readonly unitOfWork: UnitOfWork<Tx>
      /** What `calculate` gets as its inputs. */
      readonly inputs?: undefined
      /** What the stage gets as `context.tx`. */
      readonly tables?: undefined
    }

/** What became of a stage's days. */
export interface StageTest<Value> {
  /** What was calculated, by day; `null`: the day has no row. */
  readonly values: ReadonlyMap<DayKey, Value | null>
  /** What `save` was handed. */
  readonly upserts: readonly DayValue<Value>[]
  /** Days of which `save` was to remove the row. */
  readonly deletes: readonly EmployeeDay[]
  /** How many days needed no write. */
  readonly unchangedDays: number
}

/**
 * Runs one day stage as a service does, and tells what it calculated and what it would write.
 *
 * @example
 * const { values } = await testStage(hours, { days: { employeeIds: ['7'], from: '2025-03-30', to: '2025-03-30' }, inputs })
 * expect(values.get(dayKey({ employeeId: '7', date: '2025-03-30' }))).toBe(480)
 * @throws the error that the stage threw; `InvalidRequestError` for days that are none, `PipelineError` for a stage
 * that cannot work.
 */
export async function testStage<Value, Inputs, Tx>(
  stage: StageUnderTest<Value, Inputs, Tx>,
  options: StageTestOptions<Tx> & StageSource<Inputs, Tx>,
): Promise<StageTest<Value>> {
  const { days, zone = 'UTC', earlier = [], closedPeriods, block, now } = options
  const seen = {
    values: new Map<DayKey, Value | null>(),
    upserts: [] as DayValue<Value>[],
    deletes: [] as EmployeeDay[],
  }
  const recalc = new RecalcService<Tx>({
    stages: [...earlier, watched(stage, options, seen)],
    backend: memoryBackend<Tx>({ unitOfWork: unitOfWorkOf<Inputs, Tx>(options) }),
    employees: { listEmployees: async () => [] }, // a batch names its employees
    zone,
    ...(closedPeriods && { closedPeriods }),
    ...(block && { block }),
    ...(now && { clock: { ...systemClock, now: () => now.getTime() } }),
  })
  const { tenantId = 'test', employeeIds, from, to } = days
  try {
    const { unchangedDays } = await recalc.triggerRecalcBatch({ tenantId, employeeIds, from, to })
    return { ...seen, unchangedDays }
  } catch (error) {
    throw error instanceof RecalcFailedError ? error.cause : error
  } finally {
    await recalc.stop()
  }
}

/** The stage, which hands its values and changes to `seen` as well. */
function watched<Value, Inputs, Tx>(
  stage: StageUnderTest<Value, Inputs, Tx>,
  source: StageSource<Inputs, Tx>,
  seen: { values: Map<DayKey, Value | null>; upserts: DayValue<Value>[]; deletes: EmployeeDay[] },
): DayStage<Tx> {
  const isDetached = source.tables === undefined && source.unitOfWork === undefined
  const keeps = stage.save !== undefined
  const own = isDetached ? detached(stage, source.inputs) : stage
  const copy = {
    ...own,
    calculate(day: EmployeeDay, inputs: Inputs, previous: Value | null) {
      const value = stage.calculate(day, inputs, previous)
      seen.values.set(dayKey(day), value)
      return value
    },
    save: keeps
      ? async (changes: DayChanges<Value>, context: StageContext<Tx>) => {
          seen.upserts.push(...changes.upserts)
          seen.deletes.push(...changes.deletes)
          if (!isDetached) await stage.save?.(changes, context)
        }
      : undefined,
  }
  // The service hands each stage only its own values and inputs back.
  return copy as never
}

/** A stage that reads nothing but the given inputs. */
function detached<Value, Inputs, Tx>(stage: StageUnderTest<Value, Inputs, Tx>, inputs: Inputs | undefined) {
  const nothing = async () => new Map()
  return {
    ...stage,
    load: async () => inputs,
    ...(stage.stored && { stored: nothing }),
    ...(stage.latest && { latest: nothing }),
  }
}

function unitOfWorkOf<Inputs, Tx>(source: StageSource<Inputs, Tx>): UnitOfWork<Tx> {
  if (source.unitOfWork) return source.unitOfWork
  // A test's own tables need no transaction: it looks at them once everything is done. A stage with `inputs` uses none.
  return { run: (work) => work(source.tables as Tx), async lockEmployees() {}, isTransient: () => false }
}
