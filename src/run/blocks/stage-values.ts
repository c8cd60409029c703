import { isDeepStrictEqual } from 'node:util'
import { dayBefore } from '../../calendar/date-range.ts'
import { ContractError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import { type DayKey, dayKey } from '../../pipeline/employee-day.ts'
import type { PassStage } from '../../pipeline/selection.ts'
import type { DayChanges, DayValue } from '../../pipeline/stages.ts'
import type { BlockDays } from './block-days.ts'

/** What one day stage has calculated for a block, by the number of the day, and what is stored there now. */
export class StageValues<Tx> {
  readonly member: PassStage<Tx>
  readonly #days: BlockDays
  readonly #clearExisting: boolean
  readonly #values: unknown[]
  readonly #stored: ReadonlyMap<DayKey, unknown> | undefined
  #byKey: { readonly map: ReadonlyMap<DayKey, unknown>; readonly failed: number } | undefined

  constructor(
    member: PassStage<Tx>,
    days: BlockDays,
    options: { readonly stored: ReadonlyMap<DayKey, unknown> | undefined; readonly clearExisting: boolean },
  ) {
    const { stored, clearExisting } = options
    if (stored !== undefined && !(stored instanceof Map)) {
      throw new ContractError(expected(`stored of stage ${member.stage.name}`, 'resolved to a Map by dayKey', stored))
    }
    this.member = member
    this.#days = days
    this.#clearExisting = clearExisting
    this.#stored = stored
    this.#values = new Array(days.block.employeeIds.length * days.block.dates.length)
  }

  set(day: number, value: unknown): void {
    if (isThenable(value)) {
      const { name } = this.member.stage
      throw new ContractError(`Expected \`calculate\` of stage ${name} to be pure and return a value, got a promise`)
    }
    if (value === undefined) {
      const { name } = this.member.stage
      throw new ContractError(`Expected \`calculate\` of stage ${name} to return a value or null, got undefined`)
    }
    this.#values[day] = value
  }

  /**
   * The value of the day before, as this stage's `calculate` gets it: what the table will hold once this block is saved,
   * so that it does not depend on where a block begins.
   */
  previous(day: number, firstOfEmployee: boolean): unknown {
    const { readsOwnYesterday, saves } = this.member
    if (!readsOwnYesterday) return null
    const value = firstOfEmployee ? null : this.#values[day - 1]
    const isReplaced = !firstOfEmployee && saves && (value !== null || this.#clearExisting)
    return isReplaced ? value : this.#storedDayBefore(day)
  }

  #storedDayBefore(day: number): unknown {
    const { employeeId, date } = this.#days.day(day)
    const yesterday = dayBefore(date)
    return (yesterday && this.#stored?.get(dayKey({ employeeId, date: yesterday }))) ?? null
  }

  /** The values by key, for later stages; without days that have failed meanwhile. */
  byKey(): ReadonlyMap<DayKey, unknown> {
    const { failed } = this.#days
    if (this.#byKey?.failed !== failed) {
      const map = new Map<DayKey, unknown>()
      this.#days.forEachDay((day) => map.set(dayKey(this.#days.day(day)), this.#values[day]))
      this.#byKey = { map, failed }
    }
    return this.#byKey.map
  }

  /** What is to be written; `onChange` hears of every day that differs from what is stored, or may differ. */
  changes(onChange: (day: number) => void): DayChanges<unknown> {
    const upserts: DayValue<unknown>[] = []
    const deletes: DayChanges<unknown>['deletes'][number][] = []
    const isEqual = this.member.stage.isEqual ?? isDeepStrictEqual
    const stored = this.#stored
    this.#days.forEachDay((number) => {
      const day = this.#days.day(number)
      const value = this.#values[number]
      const old = stored?.get(dayKey(day))
      if (value === null) {
        if (!this.#clearExisting || (stored && old === undefined)) return
        deletes.push(day)
      } else {
        if (old !== undefined && isEqual(value, old)) return
        upserts.push({ day, value, stored: old })
      }
      onChange(number)
    })
    return { upserts, deletes }
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
