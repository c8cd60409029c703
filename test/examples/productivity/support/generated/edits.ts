import fc from 'fast-check'
import type { PlainClockTime, PlainSources } from '../plain/sources.ts'
import { HOUR, MINUTE } from './times.ts'

/** What may become of a shift; undefined for one that is deleted. */
const shiftEdits: readonly ((row: PlainClockTime) => PlainClockTime | undefined)[] = [
  (row) => row,
  (row) => row,
  () => undefined,
  (row) => ({ ...row, clock_in: row.clock_in - 24 * HOUR, clock_out: row.clock_out && row.clock_out - 24 * HOUR }),
  (row) => ({ ...row, clock_in: row.clock_in - 20 * MINUTE }),
  (row) => ({ ...row, clock_out: null }),
  (row) => ({ ...row, clock_out: row.clock_in + HOUR }),
]

/** The same sources after a while: rows deleted, shifts moved, closed and opened, perhaps everything of somebody gone. */
export function edited({ payRates, clockTimes, activityLogs, ...others }: PlainSources): fc.Arbitrary<PlainSources> {
  const one = <Choice>(choices: readonly Choice[], count: number) =>
    fc.array(fc.constantFrom(...choices), { minLength: count, maxLength: count })
  return fc
    .record({
      leavers: fc.subarray(others.employees.map(({ id }) => id)),
      keepRate: one([true, true, false], payRates.length),
      editShift: one(shiftEdits, clockTimes.length),
      keepActivity: one([true, true, true, false], activityLogs.length),
    })
    .map(({ leavers, keepRate, editShift, keepActivity }) => {
      const stays = (row: { readonly employee_id: string }) => !leavers.includes(row.employee_id)
      return {
        ...others,
        payRates: payRates.filter((_, index) => keepRate[index]),
        clockTimes: clockTimes.filter(stays).flatMap((row, index) => editShift[index]?.(row) ?? []),
        activityLogs: activityLogs.filter(stays).filter((_, index) => keepActivity[index]),
      }
    })
}
