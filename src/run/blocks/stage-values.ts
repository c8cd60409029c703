import { dayBefore } from '../../calendar/date-range.ts'
import { ContractError } from '../../errors.ts'
import { describe, expected } from '../../expectation.ts'
import type { Block, EmployeeDay } from '../../pipeline/employee-day.ts'
import { type DayKey, isKeyOf, keyOf } from '../../pipeline/employee-day.ts'
import type { PassStage } from '../../pipeline/selection.ts'
import type { DayChanges, DayValue } from '../../pipeline/stages.ts'
import type { BlockDays } from './block-days.ts'
import { isSame, isThenable } from './same-value.ts'
import type { ValueChange } from './value-change.ts'

/** What saving a day comes to. */
const NOT_CALCULATED = 0
const UNCHANGED = 1
const UPSERT = 2
const DELETE = 3

/** What one day stage has calculated for a block, by the number of the day, and what is stored there now. */
export class StageValues<Tx> {
  readonly member: PassStage<Tx>
  readonly position: number
  readonly #days: BlockDays
  readonly #clearExisting: boolean
  readonly #values: unknown[]
  readonly #changes: Uint8Array
  readonly #stored: ReadonlyMap<DayKey, unknown> | undefined
  readonly #loaded: Block
  readonly #isEqual: (a: unknown, b: unknown) => boolean
  #byKey: { readonly map: ReadonlyMap<DayKey, unknown>; readonly failed: number } | undefined

  /**
   * @param options.stored As the stage's own `stored` told it; undefined when it has none.
   * @param options.position The stage's place in the pass.
   * @param options.loaded The part of the block that is loaded: of the rest nothing is known.
   */
  constructor(
    member: PassStage<Tx>,
    days: BlockDays,
    options: {
      readonly stored: ReadonlyMap<DayKey, unknown> | undefined
      readonly clearExisting: boolean
      readonly position: number
      readonly loaded: Block
    },
  ) {
    const size = days.block.employeeIds.length * days.block.dates.length
    this.member = member
    this.position = options.position
    this.#days = days
    this.#clearExisting = options.clearExisting
    this.#stored = options.stored
    this.#loaded = options.loaded
    this.#isEqual = member.stage.isEqual ?? isSame
    this.#values = new Array(size)
    this.#changes = new Uint8Array(size)
  }

  /**
   * Takes what `calculate` returned, and compares it with what is stored.
   *
   * @throws {ContractError} for what no `calculate` may return, and whatever `isEqual` throws: the day fails.
   */
  set(day: number, value: unknown): void {
    if (value === undefined || isThenable(value)) {
      const { employeeId, date } = this.#days.day(day)
      const got = value === undefined ? 'undefined' : 'a promise'
      throw new ContractError(
        `Expected \`calculate\` of stage ${this.member.stage.name} to return a value or null at once, got ${got} ` +
          `(employee ${employeeId}, ${date})`,
      )
    }
    this.#values[day] = value
    this.#changes[day] = UNCHANGED
    if (!this.#days.isDue(day, this.position)) return
    const old = this.storedOn(day)
    if (value !== null && old !== undefined && this.#isEqual(value, old)) {
      // What is stored stays, so that is what other days and stages must see, whether the stage is saved or not.
      this.#values[day] = old
    } else if (this.member.saves) {
      if (value !== null) this.#changes[day] = UPSERT
      else if (this.#clearExisting && (!this.#stored || old !== undefined)) this.#changes[day] = DELETE
    }
  }

  /** Without `stored` a stage has values only of the days that it calculates. */
  get hasStored(): boolean {
    return this.#stored !== undefined
  }

  /** True when saving the day will write something. */
  isChanged(day: number): boolean {
    const change = this.#changes[day]
    return (change === UPSERT || change === DELETE) && this.#days.isOpen(day)
  }

  /** True when later days that read this one see another value than before. */
  isChangedForLater(day: number): boolean {
    if (!this.isChanged(day)) return false
    const { carries } = this.member.stage
    const old = this.storedOn(day)
    const value = this.#changes[day] === DELETE ? null : this.#values[day]
    if (!carries || !this.#stored || old === undefined || value === null) return true
    return !isSame(carries(old), carries(value))
  }

  /** What the table will hold of a day once this block is saved; `null` when that is nothing. */
  held(day: number): unknown {
    if (!this.#isCalculated(day) || !this.member.saves) return this.storedOn(day) ?? null
    const value = this.#values[day]
    return value === null && !this.#clearExisting ? (this.storedOn(day) ?? null) : value
  }

  /** What is stored for a day; undefined when that is nothing, also where `stored` says so by `null`, or unknown. */
  storedOn(day: number): unknown {
    return this.#stored?.get(keyOf(this.#days.day(day))) ?? undefined
  }

  /** What is stored for the day before, which may lie in front of the block; `null` when that is nothing. */
  storedDayBefore(day: number): unknown {
    const { employeeId, date } = this.#days.day(day)
    const yesterday = dayBefore(date)
    return (yesterday && this.#stored?.get(keyOf({ employeeId, date: yesterday }))) ?? null
  }

  /** The values by key, for later stages; without days that are closed, or have failed meanwhile. */
  byKey(): ReadonlyMap<DayKey, unknown> {
    const { failed } = this.#days
    if (this.#byKey?.failed !== failed) {
      const map = new Map<DayKey, unknown>()
      const { from, to, employeeIds } = this.#loaded
      const loaded = new Set(employeeIds)
      for (let day = 0; day < this.#changes.length; day++) {
        if (this.#changes[day] === NOT_CALCULATED) {
          // What is stored of a clean day is right, and it may be opened for the stage that asks.
          if (!this.#stored || !(this.#days.isClean(day) || this.#days.isOpen(day))) continue
          const { employeeId, date } = this.#days.day(day)
          if (date >= from && date <= to && loaded.has(employeeId))
            map.set(keyOf(this.#days.day(day)), this.storedOn(day) ?? null)
        } else if (this.#days.isOpen(day) || this.#days.isClean(day)) {
          const value = this.#values[day]
          // A row that is left behind is still there for whoever reads it.
          const isLeft = value === null && this.member.saves && !this.#clearExisting
          map.set(keyOf(this.#days.day(day)), isLeft ? (this.storedOn(day) ?? null) : value)
        }
      }
      this.#byKey = { map, failed }
    }
    return this.#byKey.map
  }

  #isCalculated(day: number): boolean {
    return this.#changes[day] !== NOT_CALCULATED && this.#days.isOpen(day)
  }

  /** What is to be written; `onChange` hears of every day that differs from what is stored, or may differ. */
  changes(onChange: (day: number) => void): DayChanges<unknown> {
    const upserts: DayValue<unknown>[] = []
    const deletes: DayChanges<unknown>['deletes'][number][] = []
    for (let number = 0; number < this.#changes.length; number++) {
      if (!this.isChanged(number)) continue
      const day = this.#days.day(number)
      if (this.#changes[number] === DELETE) deletes.push(day)
      else upserts.push({ day, value: this.#values[number], stored: this.storedOn(number) })
      onChange(number)
    }
    return { upserts, deletes }
  }

  /** Of some days the values that were calculated, and are right as they stand. */
  unchanged(wanted: ReadonlySet<string>): readonly ValueChange[] {
    const { name: stage } = this.member.stage
    const values: ValueChange[] = []
    this.#days.forEachDay((number) => {
      const day = this.#days.day(number)
      if (this.#changes[number] !== UNCHANGED || !wanted.has(keyOf(day))) return
      const { employeeId, date } = day
      const value = this.storedOn(number) ?? null
      const isBeforeKnown = this.hasStored
      values.push({ stage, employeeId, date, through: date, before: value, isBeforeKnown, after: value })
    })
    return values
  }

  /** The same changes, each with what is there now. */
  valueChanges({ upserts, deletes }: DayChanges<unknown>): readonly ValueChange[] {
    const { name: stage } = this.member.stage
    const changeOf = ({ employeeId, date }: EmployeeDay, before: unknown, after: unknown): ValueChange => {
      return { stage, employeeId, date, through: date, before: before ?? null, isBeforeKnown: this.hasStored, after }
    }
    return [
      ...upserts.map(({ day, value, stored }) => changeOf(day, stored, value)),
      ...deletes.map((day) => changeOf(day, this.#stored?.get(keyOf(day)), null)),
    ]
  }
}

/**
 * Checks what a stage's `stored` gave.
 *
 * @param block What it was asked for.
 * @throws {ContractError} when it is no map, or has keys of days that it was not asked for.
 */
export function checkStored(stage: string, stored: unknown, block: Block): ReadonlyMap<DayKey, unknown> {
  if (!(stored instanceof Map)) {
    throw new ContractError(expected(`stored of stage ${stage}`, 'resolved to a Map by dayKey', stored))
  }
  const [dates, employeeIds] = [new Set<string>(block.dates), new Set(block.employeeIds)]
  for (const key of stored.keys()) {
    if (isKeyOf(key, dates, employeeIds)) continue
    throw new ContractError(
      `Expected \`stored\` of stage ${stage} to have keys of the days it was asked for, ${block.from} to ${block.to} of ` +
        `${block.employeeIds.length} employees, made by dayKey({ employeeId, date }), got ${describe(key)}`,
    )
  }
  return stored
}
