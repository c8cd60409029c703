import { parseArgs } from 'node:util'
import { addDays, type IsoDate, isIsoDate, isZone } from 'recalc-service'

export const USAGE = `Usage:
  npm run demo -- [--employees 50] [--days 12] [--seed 1]
      makes up a warehouse and recalculates it
  npm run demo -- --data DIR --zone ZONE --from DATE --to DATE
      recalculates what is in the files of DIR: role-configs.csv, clock-times.csv, activity-logs.csv (or .csv.gz)`

/** Thrown when the command line makes no sense; the message says what was expected. */
export class UsageError extends Error {}

/** What to recalculate. */
export interface DemoOptions {
  readonly zone: string
  readonly from: IsoDate
  /** Inclusive. */
  readonly to: IsoDate
  readonly source:
    | { readonly kind: 'generator'; readonly employees: number; readonly days: number; readonly seed: number }
    | { readonly kind: 'files'; readonly folder: string }
}

type Values = Readonly<Partial<Record<'data' | 'zone' | 'from' | 'to' | 'employees' | 'days' | 'seed', string>>>

/** Twelve days from here include a day of 23 hours. */
const generatedFrom = '2025-03-24' as IsoDate
const generatedZone = 'Europe/Berlin'

/** @throws {UsageError} */
export function readOptions(args: readonly string[]): DemoOptions {
  const values = parse(args)
  return values.data === undefined ? generatorOptions(values) : fileOptions(values, values.data)
}

function parse(args: readonly string[]): Values {
  const text = { type: 'string' } as const
  try {
    const options = { data: text, zone: text, from: text, to: text, employees: text, days: text, seed: text }
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function generatorOptions(values: Values): DemoOptions {
  refuse(values, ['zone', 'from', 'to'], 'goes with --data DIR')
  const days = wholeNumber('days', values.days ?? '12', 1, 3_660)
  const employees = wholeNumber('employees', values.employees ?? '50', 1, 100_000)
  const seed = wholeNumber('seed', values.seed ?? '1', 0, 1_000_000)
  const to = addDays(generatedFrom, days - 1)
  return { zone: generatedZone, from: generatedFrom, to, source: { kind: 'generator', employees, days, seed } }
}

function fileOptions(values: Values, folder: string): DemoOptions {
  refuse(values, ['employees', 'days', 'seed'], 'is for made-up data and does not go with --data')
  const { zone } = values
  if (zone === undefined || !isZone(zone)) throw expected('zone', 'an IANA time zone such as Europe/Amsterdam', zone)
  const from = date('from', values.from)
  const to = date('to', values.to)
  if (to < from) throw expected('to', `a date from ${from} on`, to)
  return { zone, from, to, source: { kind: 'files', folder } }
}

function refuse(values: Values, names: readonly (keyof Values)[], why: string): void {
  const given = names.find((name) => values[name] !== undefined)
  if (given !== undefined) throw new UsageError(`--${given} ${why}`)
}

function date(name: keyof Values, value: string | undefined): IsoDate {
  if (isIsoDate(value)) return value
  throw expected(name, 'a calendar date as YYYY-MM-DD', value)
}

function wholeNumber(name: keyof Values, value: string, least: number, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  throw expected(name, `a whole number from ${least} to ${most}`, value)
}

function expected(name: keyof Values, expectation: string, value: string | undefined): UsageError {
  return new UsageError(
    `Expected --${name} to be ${expectation}, got ${value === undefined ? 'nothing' : `"${value}"`}`,
  )
}
