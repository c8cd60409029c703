/**
 * The days that are read, relative to the day that is calculated: `[-1, 0]` is yesterday and today, `[-Infinity, 0]` all
 * that was before, too. A table without days, of rates or rules, is read at `[-Infinity, Infinity]`.
 */
export type DayOffsets = readonly [first: number, last: number]
