import type { IsoDate } from '../calendar/iso-date.ts'
import { checkDefinition } from './check-stage.ts'
import type { CalcContext, Calculation, StageContext, TenantContext } from './context.ts'
import type { DayOffsets } from './day-offsets.ts'
import type { Block, DayKey, EmployeeDay } from './employee-day.ts'
import type { PeriodStage } from './period-stage.ts'

/**
 * The simplest calculator: it reads and writes by itself, and its days do not block each other.
 *
 * Without `load` each day is a unit of work of its own. With it, a unit of work is one employee and up to `block.days` days:
 * what they need is read once for all of them. A day that fails is left as it was, and the others are done again without it.
 */
export interface DailyCalc<Tx = unknown, Inputs = unknown> {
  /** What the days of the block need: one employee, up to `block.days` consecutive dates. */
  load?(block: Block, context: CalcContext<Tx>): Promise<Inputs>
  /** Reads, calculates and writes one day, through `context.tx`. Returning nothing counts as `'changed'`. */
  calculateDay(day: EmployeeDay, context: CalcContext<Tx>, inputs: Inputs): Promise<void | 'changed' | 'unchanged'>
  /** Table → days read, relative to the calculated one. Default: it reads the day itself. */
  readonly reads?: Readonly<Record<string, DayOffsets>>
}

/** What `save` is to write; with `stored` only what differs from it. */
export interface DayChanges<Value> {
  /** Rows to be inserted or updated; may be empty. */
  readonly upserts: readonly DayValue<Value>[]
  /** Days whose row is to go; may be empty. */
  readonly deletes: readonly EmployeeDay[]
}

/** A day and the row, or rows, that were calculated for it. */
export interface DayValue<Value> {
  /** The day. */
  readonly day: EmployeeDay
  /** What was calculated for it. */
  readonly value: Value
  /** What is there now, as `stored` gave it; undefined when there is nothing, or no `stored`. */
  readonly stored: Value | undefined
}

/** A day stage as a host writes it: a pure core between one read and one write per block. */
export interface DayStageDefinition<Value, Inputs, Tx = unknown> {
  /** Unique within the pipeline. */
  readonly name: string
  /** What people read while it runs. Default: `name`. */
  readonly title?: string
  /**
   * Table → days read. Declares what the stage depends on, and so the order; `load` gets the block as it is. A table that this
   * very stage writes must reach back one day and have `stored`. An earlier stage that keeps nothing is named in place of a
   * table. Of a table of a period stage it reads earlier periods, counted in periods: `[-1, -1]` is the one before.
   */
  readonly reads?: Readonly<Record<string, DayOffsets>>
  /** Tables that only this stage writes. */
  readonly writes: readonly string[]
  /** Everything that the block's days need, in a number of queries that does not grow with the block. */
  readonly load: (block: Block, context: StageContext<Tx>) => Promise<Inputs>
  /**
   * Pure. `null`: this day has no row. `previous` is the value of the day before, `null` if it has none or the stage does
   * not read its own table.
   */
  calculate(day: EmployeeDay, inputs: Inputs, previous: Value | null): Value | null
  /**
   * What is there now, for the block's days; makes unchanged days cost no write. For a stage that reads its own table the
   * block begins one day earlier.
   */
  readonly stored?: (block: Block, context: StageContext<Tx>) => Promise<ReadonlyMap<DayKey, Value>>
  /**
   * What `previous` is on a day whose day before has no row, for a stage that reads its own table:
   * - `'restart'` (default): `null`, so the value starts afresh. Right for what counts within a streak.
   * - `'latest'`: the latest earlier value, from this block or from `latest`. Right for a balance.
   * - `'fail'`: the day fails. Right where every day must have a row.
   */
  readonly previousMissing?: 'restart' | 'latest' | 'fail'
  /** Employee id → the latest value before the date `before`, however old; for `previousMissing: 'latest'`. */
  readonly latest?: (
    query: { readonly tenantId: string; readonly employeeIds: readonly string[]; readonly before: IsoDate },
    context: StageContext<Tx>,
  ) => Promise<ReadonlyMap<string, Value>>
  /** Default: `isDeepStrictEqual` of `node:util`, which treats objects of different prototypes as different; 0 and -0 are the same. */
  isEqual?(a: Value, b: Value): boolean
  /**
   * The part of a value that later days see, where they see only some of it: an edit of the rest moves nothing but its own
   * day. Default: the whole value.
   */
  carries?(value: Value): unknown
  /** Writes the block's changes through `context.tx`; not called when there are none. */
  readonly save: (changes: DayChanges<Value>, context: StageContext<Tx>) => Promise<void>
}

/**
 * A day stage that keeps nothing: it calculates what several later stages build on. They name it in `reads`, at `[0, 0]`, and
 * get its values from `context.valuesOf(stage)`.
 */
export interface ValueStageDefinition<Value, Inputs, Tx = unknown>
  extends Omit<
    DayStageDefinition<Value, Inputs, Tx>,
    'writes' | 'stored' | 'isEqual' | 'carries' | 'save' | 'latest' | 'previousMissing'
  > {
  /** Always empty. */
  readonly writes: readonly []
  /** Only of a stage that keeps something. */
  readonly stored?: undefined
  /** Only of a stage that keeps something. */
  readonly latest?: undefined
  /** Only of a stage that keeps something. */
  readonly previousMissing?: undefined
  /** Only of a stage that keeps something. */
  readonly isEqual?: undefined
  /** Only of a stage that keeps something. */
  readonly carries?: undefined
  /** Only of a stage that keeps something. */
  readonly save?: undefined
}

/** A day stage whose inputs are known only to itself; made by {@link dayStage}. */
export interface DayStage<Tx = unknown, Value = unknown>
  extends Omit<DayStageDefinition<unknown, unknown, Tx>, 'save'>,
    Calculation<Value> {
  /** Tells it from other stages. */
  readonly kind: 'day'
  readonly name: string
  readonly title: string
  readonly reads: Readonly<Record<string, DayOffsets>>
  /** As of {@link DayStageDefinition}. */
  isEqual?(a: unknown, b: unknown): boolean
  /** As of {@link DayStageDefinition}. */
  carries?(value: unknown): unknown
  /** Undefined: what it calculates is kept nowhere. */
  readonly save: DayStageDefinition<unknown, unknown, Tx>['save'] | undefined
}

/** A tenant stage as a host writes it: once per run, after the pass. */
export interface TenantStageDefinition<Tx = unknown> {
  /** Unique within the pipeline. */
  readonly name: string
  /** What people read while it runs. Default: `name`. */
  readonly title?: string
  /** Tables that it reads. */
  readonly reads?: readonly string[]
  /** Tables that only this stage writes. */
  readonly writes: readonly string[]
  /** One unit of work; runs again from the start after a transient error. */
  readonly run: (context: TenantContext<Tx>) => Promise<void>
}

/** Made by {@link tenantStage}. */
export interface TenantStage<Tx = unknown> extends TenantStageDefinition<Tx> {
  /** Tells it from other stages. */
  readonly kind: 'tenant'
  readonly title: string
  readonly reads: readonly string[]
}

/** One step of a pipeline. */
export type Stage<Tx = unknown> = DayStage<Tx> | PeriodStage<Tx> | TenantStage<Tx>

/**
 * A stage that works per employee-day: one read, a pure calculation, one write per block. With `writes: []` and without
 * `save` it only calculates, for later stages. Name the three types, or `save` does not know the type of its values:
 * `dayStage<Value, Inputs, Tx>({ … })`. Its functions can be called as they were written, in tests for example.
 *
 * @throws {InvalidOptionsError} when one of its functions is missing.
 */
export function dayStage<Value, Inputs, Tx = unknown>(
  definition: ValueStageDefinition<Value, Inputs, Tx>,
): ValueStageDefinition<Value, Inputs, Tx> & DayStage<Tx, Value>
export function dayStage<Value, Inputs, Tx = unknown>(
  definition: DayStageDefinition<Value, Inputs, Tx>,
): DayStageDefinition<Value, Inputs, Tx> & DayStage<Tx, Value>
export function dayStage(definition: DayStageDefinition<unknown, unknown> | ValueStageDefinition<unknown, unknown>) {
  checkDefinition('dayStage(…)', definition, 'day')
  const stage = {
    kind: 'day',
    name: definition.name,
    title: definition.title ?? definition.name,
    reads: definition.reads ?? {},
    writes: definition.writes,
    load: definition.load.bind(definition),
    calculate: definition.calculate.bind(definition),
    save: definition.save?.bind(definition),
    ...(definition.stored && { stored: definition.stored.bind(definition) }),
    ...(definition.latest && { latest: definition.latest.bind(definition) }),
    ...(definition.previousMissing && { previousMissing: definition.previousMissing }),
    ...(definition.isEqual && { isEqual: definition.isEqual.bind(definition) }),
    ...(definition.carries && { carries: definition.carries.bind(definition) }),
  }
  // The engine hands each stage only its own values and inputs back, so their types may be forgotten here.
  return stage as never
}

/**
 * A stage that works once per run, after every employee-day is done.
 *
 * @throws {InvalidOptionsError} when `run` is missing.
 */
export function tenantStage<Tx = unknown>(definition: TenantStageDefinition<Tx>): TenantStage<Tx> {
  checkDefinition('tenantStage(…)', definition, 'tenant')
  return {
    kind: 'tenant',
    name: definition.name,
    title: definition.title ?? definition.name,
    reads: definition.reads ?? [],
    writes: definition.writes,
    run: definition.run.bind(definition),
  }
}
