import fc from 'fast-check'
import { activity, clockTime } from './generated/bookings.ts'
import { type Moment, moments } from './generated/moments.ts'
import { plainRoles } from './generated/roles.ts'
import { stint } from './generated/stints.ts'
import { addDays } from './plain/calendar.ts'
import type { PlainPayRate, PlainSources } from './plain/sources.ts'
import { inTables } from './table-rows.ts'

export { HOUR, MINUTE } from './generated/times.ts'

/** The roles of every scenario, as rows for the database. */
export const roles = inTables({ roleConfigs: plainRoles }).roleConfigs

/** Source rows, the days that are asked for, and the moment at which they are. */
export interface Scenario extends Moment {
  readonly from: string
  readonly to: string
  readonly sources: PlainSources
}

/** In the order of strings; as numbers or words they would be in another. The last one has no row of their own. */
export const employeeIds = ['10', '9', 'C', 'b'] as const

export const scenarios: fc.Arbitrary<Scenario> = moments.chain((moment) =>
  fc
    .record({
      roleConfigs: fc.shuffledSubarray([...plainRoles], { minLength: plainRoles.length }),
      payRates: payRates(moment),
      stints: fc.array(owned(stint(moment)), { maxLength: 6, size: 'max' }),
      clockTimes: fc.array(owned(clockTime(moment)), { maxLength: 4, size: 'max' }).chain(someTwice),
      activityLogs: fc.array(owned(activity(moment)), { maxLength: 8, size: 'max' }),
      areActive: fc.array(fc.constantFrom(0, 1), { minLength: employeeIds.length, maxLength: employeeIds.length }),
      isDescending: fc.boolean(),
      first: fc.integer({ min: 0, max: 2 }),
      days: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ roleConfigs, payRates, stints, clockTimes, activityLogs, areActive, isDescending, first, days }) => {
      const asked = moment.dates.slice(first, first + days)
      return {
        ...moment,
        from: asked[0]!,
        to: asked.at(-1)!,
        sources: {
          employees: employeeIds.map((id, index) => ({ id, name: `Employee ${id}`, is_active: areActive[index]! })),
          roleConfigs,
          payRates,
          clockTimes: withIds(isDescending, [
            ...stints.map(({ owner, value }) => ({ employee_id: owner, ...value.clockTime })),
            ...clockTimes.map(({ owner, value }) => ({ employee_id: owner, ...value })),
          ]),
          activityLogs: withIds(isDescending, [
            ...stints.flatMap(({ owner, value }) => value.activities.map((row) => ({ employee_id: owner, ...row }))),
            ...activityLogs.map(({ owner, value }) => ({ employee_id: owner, ...value })),
          ]),
        },
      }
    }),
)

function payRates({ dates }: Moment): fc.Arbitrary<readonly PlainPayRate[]> {
  const beside = [addDays(dates[0]!, -400), addDays(dates[0]!, -1), addDays(dates.at(-1)!, 1)]
  const row = fc.record({
    employee_id: fc.constantFrom(...employeeIds),
    effective_from: fc.constantFrom(...beside, ...dates),
    hourly_rate: fc.oneof(fc.constantFrom(0, 1, 1_550), fc.integer({ min: 0, max: 20_000 })),
  })
  return fc.uniqueArray(row, {
    maxLength: 10,
    size: 'max',
    selector: ({ employee_id, effective_from }) => `${employee_id} ${effective_from}`,
  })
}

/** Mostly the same person's, so that rows meet. */
function owned<Value>(value: fc.Arbitrary<Value>) {
  const [first, second, third] = employeeIds
  return fc.record({ owner: fc.constantFrom(first, first, first, second, third), value })
}

/** Somebody may have pressed a button twice. */
function someTwice<Row>(rows: readonly Row[]): fc.Arbitrary<readonly Row[]> {
  return fc
    .option(fc.nat({ max: Math.max(0, rows.length - 1) }), { freq: 3 })
    .map((index) => (index === null ? rows : [...rows, ...rows.slice(index, index + 1)]))
}

/** Ids that say nothing of the time; drawn rows come in any order anyway, those of a stint in theirs or the opposite one. */
function withIds<Row extends object>(isDescending: boolean, rows: readonly Row[]): readonly (Row & { id: number })[] {
  return rows.map((row, index) => ({ id: isDescending ? rows.length - index : index + 1, ...row }))
}
