import { isDeepStrictEqual } from 'node:util'
import { dayBefore } from '../calendar/date-range.ts'
import { ContractError } from '../errors.ts'
import { expected } from '../expectation.ts'
import { type DayKey, dayKey } from '../pipeline/employee-day.ts'
import type { PassStage } from '../pipeline/selection.ts'
import type { DayChanges, DayValue } from '../pipeline/stages.ts'
import type { BlockDays } from './block-days.ts'

/** What one day stage has calculated for a block, by the number of the day, and what is stored there now. */
export class StageValues<Tx> {
  readonly member: PassStage<Tx>
  readonly #days: BlockDays
  readonly #values: unknown[]
  readonly #stored: ReadonlyMap<DayKey, unknown> | undefined
  #byKey: ReadonlyMap<DayKey, unknown> | undefined

  constructor(member: PassStage<Tx>, days: BlockDays, stored: ReadonlyMap<DayKey, unknown> | undefined) {
    if (stored !== undefined && !(stored instanceof Map)) {
      throw new ContractError(expected(`stored of stage ${member.stage.name}`, 'resolved to a Map by dayKey', stored))
    }
    this.member = member
    this.#days = days
    this.#stored = stored
    this.#values = new Array(days.block.employeeIds.length * days.block.dates.length)
  }

  set(day: number, value: unknown): void {
    this.#values[day] = value ?? null
  }

  /** The value of the day before, as this stage's `calculate` gets it. */
  previous(day: number, firstOfEmployee: boolean): unknown {
    if (!this.member.readsOwnYesterday) return null
    if (!firstOfEmployee) return this.#values[day - 1]
    const { employeeId, date } = this.#days.day(day)
    const yesterday = dayBefore(date)
    return (yesterday && this.#stored?.get(dayKey({ employeeId, date: yesterday }))) ?? null
  }

  /** The values by key, for later stages. */
  byKey(): ReadonlyMap<DayKey, unknown> {
    if (!this.#byKey) {
      const map = new Map<DayKey, unknown>()
      this.#days.forEachDay((day) => map.set(dayKey(this.#days.day(day)), this.#values[day]))
      this.#byKey = map
    }
    return this.#byKey
  }

  /** What is to be written; `onChange` hears of every day that differs from what is stored, or may differ. */
  changes(clearExisting: boolean, onChange: (day: number) => void): DayChanges<unknown> {
    const upserts: DayValue<unknown>[] = []
    const deletes: DayChanges<unknown>['deletes'][number][] = []
    const isEqual = this.member.stage.isEqual ?? isDeepStrictEqual
    const stored = this.#stored
    this.#days.forEachDay((number) => {
      const day = this.#days.day(number)
      const value = this.#values[number]
      const old = stored?.get(dayKey(day))
      if (value === null) {
        if (!clearExisting || (stored && old === undefined)) return
        deletes.push(day)
      } else {
        if (old !== undefined && isEqual(value, old)) return
        upserts.push({ day, value })
      }
      onChange(number)
    })
    return { upserts, deletes }
  }
}
