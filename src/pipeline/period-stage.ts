import type { DateInterval } from '../calendar/date-range.ts'
import type { PeriodKind } from '../calendar/period.ts'
import { checkDefinition } from './check-stage.ts'
import type { StageContext } from './context.ts'
import type { DayOffsets } from './day-offsets.ts'
import { type DayKey, dayKey } from './employee-day.ts'

/** A period of one employee, by its first and its last date. */
export interface EmployeePeriod extends DateInterval {
  /** The tenant. */
  readonly tenantId: string
  /** The employee. */
  readonly employeeId: string
}

/** Some employees × some consecutive periods, loaded and saved together. */
export interface PeriodBlock extends DateInterval {
  /** Whose data. */
  readonly tenantId: string
  /** Never empty. */
  readonly employeeIds: readonly string[]
  /** Ascending, consecutive, whole; never empty. */
  readonly periods: readonly DateInterval[]
}

declare const periodKey_: unique symbol

/** A string that names a period of an employee within one tenant; make it with {@link periodKey}. */
export type PeriodKey = string & {
  /** Exists only in the type. */
  readonly [periodKey_]: true
}

/**
 * The key of an employee's period in the map that `stored` gives. A period is named by its first date.
 *
 * @example
 * rows.map((row) => [periodKey({ employeeId: row.employee_id, from: row.month }), row])
 * @throws {ContractError} when `from` is no `YYYY-MM-DD` string, or the id no non-empty string.
 */
export function periodKey({ employeeId, from }: { readonly employeeId: string; readonly from: string }): PeriodKey {
  return dayKey({ employeeId, date: from }) as DayKey as string as PeriodKey // the same form, for another map
}

/**
 * What a period stage reads of a table: `'period'` is the days of the period itself. `[-1, 0]` counts in periods: those of
 * the period before, too. A table without days, of rates or rules, is read at `[-Infinity, Infinity]`.
 */
export type PeriodReads = 'period' | DayOffsets

/** What `save` is to write; with `stored` only what differs from it. */
export interface PeriodChanges<Value> {
  /** Rows to be inserted or updated; may be empty. */
  readonly upserts: readonly PeriodValue<Value>[]
  /** Periods whose row is to go; may be empty. */
  readonly deletes: readonly EmployeePeriod[]
}

/** A period and the row, or rows, that were calculated for it. */
export interface PeriodValue<Value> {
  /** The period. */
  readonly period: EmployeePeriod
  /** What was calculated for it. */
  readonly value: Value
  /** What is there now, as `stored` gave it; undefined when there is nothing, or no `stored`. */
  readonly stored: Value | undefined
}

/**
 * A period stage as a host writes it. It runs in the unit of work of the block that holds the last requested day of a period,
 * once the days are saved. So nobody sees a month that misses a day of a finished run.
 */
export interface PeriodStageDefinition<Value, Inputs, Tx = unknown> {
  /** Unique within the pipeline. */
  readonly name: string
  /** What people read while it runs. Default: `name`. */
  readonly title?: string
  /** Calendar months, ISO weeks, or periods of your own. */
  readonly period: PeriodKind
  /**
   * Table → periods read. A table that this very stage writes is read at `[-1, 0]`, and needs `stored`: `previous` is then
   * the value of the period before.
   */
  readonly reads?: Readonly<Record<string, PeriodReads>>
  /** Tables that only this stage writes. */
  readonly writes: readonly string[]
  /** Everything that the periods need: all their days, also those that were not asked for. */
  readonly load: (block: PeriodBlock, context: StageContext<Tx>) => Promise<Inputs>
  /** Pure. `null`: this period has no row. `previous` is the value of the period before, `null` if it has none. */
  calculate(period: EmployeePeriod, inputs: Inputs, previous: Value | null): Value | null
  /** What is there now. For a stage that reads its own table the block begins one period earlier. */
  readonly stored?: (block: PeriodBlock, context: StageContext<Tx>) => Promise<ReadonlyMap<PeriodKey, Value>>
  /** Default: `isDeepStrictEqual` of `node:util`; 0 and -0 are the same. */
  isEqual?(a: Value, b: Value): boolean
  /** The part of a value that the next period, and days behind it, see, where they see only some of it. Default: the whole value. */
  carries?(value: Value): unknown
  /** Writes the changes through `context.tx`; not called when there are none. */
  readonly save: (changes: PeriodChanges<Value>, context: StageContext<Tx>) => Promise<void>
}

/** Made by {@link periodStage}. */
export interface PeriodStage<Tx = unknown> extends PeriodStageDefinition<unknown, unknown, Tx> {
  /** Tells it from other stages. */
  readonly kind: 'period'
  readonly title: string
  readonly reads: Readonly<Record<string, PeriodReads>>
}

/**
 * A stage that works per employee and period, behind the days: months after days. Name the three types:
 * `periodStage<Value, Inputs, Tx>({ … })`.
 *
 * @throws {InvalidOptionsError} when one of its functions is missing, or `period` is nothing that it knows.
 */
export function periodStage<Value, Inputs, Tx = unknown>(
  definition: PeriodStageDefinition<Value, Inputs, Tx>,
): PeriodStageDefinition<Value, Inputs, Tx> & PeriodStage<Tx> {
  checkDefinition('periodStage(…)', definition, 'period')
  const stage = {
    kind: 'period',
    name: definition.name,
    title: definition.title ?? definition.name,
    period: definition.period,
    reads: definition.reads ?? {},
    writes: definition.writes,
    load: definition.load.bind(definition),
    calculate: definition.calculate.bind(definition),
    save: definition.save.bind(definition),
    ...(definition.stored && { stored: definition.stored.bind(definition) }),
    ...(definition.isEqual && { isEqual: definition.isEqual.bind(definition) }),
    ...(definition.carries && { carries: definition.carries.bind(definition) }),
  }
  // The engine hands each stage only its own values and inputs back, so their types may be forgotten here.
  return stage as never
}

/** The periods that a stage reads, counted from the calculated one. */
export function offsetsOf(reads: PeriodReads): DayOffsets {
  return reads === 'period' ? OWN_PERIOD : reads
}

const OWN_PERIOD: DayOffsets = [0, 0]

/** True when a stage is handed its own value of the period before. */
export function readsOwnPrevious(stage: PeriodStage<never>): boolean {
  return stage.writes.some((table) => table in stage.reads && offsetsOf(stage.reads[table] as PeriodReads)[0] < 0)
}
