import type { DateInterval } from '../../../calendar/date-range.ts'
import { ContractError } from '../../../errors.ts'
import { describe, expected } from '../../../expectation.ts'
import { isKeyOf } from '../../../pipeline/employee-day.ts'
import type {
  EmployeePeriod,
  PeriodBlock,
  PeriodChanges,
  PeriodKey,
  PeriodStage,
  PeriodValue,
} from '../../../pipeline/period-stage.ts'
import { isSame, isThenable } from '../same-value.ts'
import type { ValueChange } from '../value-change.ts'

/** What one period stage has calculated for some employees and periods, and what is stored there now. */
export class PeriodValues {
  readonly #stage: PeriodStage<never>
  readonly #stored: ReadonlyMap<PeriodKey, unknown> | undefined
  readonly #clearExisting: boolean
  readonly #values = new Map<PeriodKey, unknown>()
  readonly #upserts: PeriodValue<unknown>[] = []
  readonly #deletes: EmployeePeriod[] = []
  readonly #unchanged: EmployeePeriod[] = []

  constructor(
    stage: PeriodStage<never>,
    stored: ReadonlyMap<PeriodKey, unknown> | undefined,
    options: { readonly clearExisting: boolean },
  ) {
    this.#stage = stage
    this.#stored = stored
    this.#clearExisting = options.clearExisting
  }

  /**
   * Takes what `calculate` returned, and compares it with what is stored.
   *
   * @returns what is different now: nothing, the value, or also the part of it that the next period sees.
   * @throws {ContractError} for what no `calculate` may return, and whatever `isEqual` throws: the period fails.
   */
  set(period: EmployeePeriod, value: unknown): 'unchanged' | 'changed' | 'carries' {
    const change = this.#set(period, value)
    if (change === 'unchanged') this.#unchanged.push(period)
    return change
  }

  #set(period: EmployeePeriod, value: unknown): 'unchanged' | 'changed' | 'carries' {
    if (value === undefined || isThenable(value)) {
      const got = value === undefined ? 'undefined' : 'a promise'
      const { employeeId, from } = period
      throw new ContractError(
        `Expected \`calculate\` of stage ${this.#stage.name} to return a value or null at once, got ${got} ` +
          `(employee ${employeeId}, from ${from})`,
      )
    }
    const old = this.storedOf(period)
    const key = periodKeyOf(period)
    if (value === null) {
      if (!this.#clearExisting || (this.#stored && old === undefined)) return 'unchanged'
      this.#values.set(key, null)
      this.#deletes.push(period)
      return 'carries'
    }
    const { isEqual = isSame, carries } = this.#stage
    if (old !== undefined && isEqual(value, old)) return 'unchanged'
    this.#values.set(key, value)
    this.#upserts.push({ period, value, stored: old })
    return carries && old !== undefined && isSame(carries(old), carries(value)) ? 'changed' : 'carries'
  }

  /** What is stored of a period; undefined when that is nothing, also where `stored` says so by `null`, or unknown. */
  storedOf(period: EmployeePeriod): unknown {
    return this.#stored?.get(periodKeyOf(period)) ?? undefined
  }

  /** What the table will hold of a period once this is saved; `null` when that is nothing. */
  held(period: EmployeePeriod): unknown {
    const key = periodKeyOf(period)
    return this.#values.has(key) ? this.#values.get(key) : (this.storedOf(period) ?? null)
  }

  get changes(): PeriodChanges<unknown> {
    return { upserts: this.#upserts, deletes: this.#deletes }
  }

  /** The same changes, each with what is there now. */
  get valueChanges(): readonly ValueChange[] {
    return [
      ...this.#upserts.map(({ period, value, stored }) => this.#changeOf(period, stored, value)),
      ...this.#deletes.map((period) => this.#changeOf(period, this.storedOf(period), null)),
    ]
  }

  /** Of some periods the values that were calculated, and are right as they stand. */
  unchanged(wanted: ReadonlySet<string>): readonly ValueChange[] {
    const found = this.#unchanged.filter((period) => wanted.has(periodKeyOf(period)))
    return found.map((period) => this.#changeOf(period, this.storedOf(period), this.storedOf(period) ?? null))
  }

  #changeOf({ employeeId, from, to }: EmployeePeriod, before: unknown, after: unknown): ValueChange {
    const { name: stage } = this.#stage
    const isBeforeKnown = this.#stored !== undefined
    return { stage, employeeId, date: from, through: to, before: before ?? null, isBeforeKnown, after }
  }
}

/** {@link periodKey} for what is known to be right. */
function periodKeyOf({ employeeId, from }: { readonly employeeId: string } & Pick<DateInterval, 'from'>): PeriodKey {
  return `${from}/${employeeId}` as PeriodKey
}

/**
 * Checks what a stage's `stored` gave.
 *
 * @param block What it was asked for.
 * @throws {ContractError} when it is no map, or has keys of periods that it was not asked for.
 */
export function checkStoredPeriods(
  stage: string,
  stored: unknown,
  block: PeriodBlock,
): ReadonlyMap<PeriodKey, unknown> {
  if (!(stored instanceof Map)) {
    throw new ContractError(expected(`stored of stage ${stage}`, 'resolved to a Map by periodKey', stored))
  }
  const employeeIds = new Set(block.employeeIds)
  const begins = new Set<string>(block.periods.map(({ from }) => from))
  for (const key of stored.keys()) {
    if (isKeyOf(key, begins, employeeIds)) continue
    throw new ContractError(
      `Expected \`stored\` of stage ${stage} to have keys of the periods it was asked for, which begin on ` +
        `${[...begins].join(', ')}, made by periodKey({ employeeId, from }), got ${describe(key)}`,
    )
  }
  return stored
}
