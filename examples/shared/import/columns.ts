import { isIsoDate } from 'recalc-service'
import type { Cell } from '../database/upsert.ts'

/** What the fields of a column may hold. */
export interface Column {
  /** In words, as in "expected a whole number from 0 to 1440". */
  readonly expectation: string
  /** What is written to the database; undefined for a field that is not as expected. */
  parse(field: string): Cell | undefined
}

/** A column that may be empty, which stands for NULL. */
export function optional({ expectation, parse }: Column): Column {
  return { expectation: `${expectation}, or nothing`, parse: (field) => (field === '' ? null : parse(field)) }
}

/** A column of which nothing is known. */
export const anything: Column = { expectation: 'anything', parse: (field) => field }

/** Ids and names. Blanks around them cannot be seen, so whoever wrote them did not mean them. */
export function text(longest: number): Column {
  return {
    expectation: `1 to ${longest} characters without tabs, and without blanks before or behind`,
    parse: (field) => {
      const isOdd = /^[\s\p{Cf}]|[\s\p{Cf}]$|\t/u.test(field)
      return field === '' || isOdd || [...field].length > longest ? undefined : field
    },
  }
}

const LARGEST_INTEGER = 2 ** 31 - 1

/** In digits and nothing else, without leading zeros: `007` may be an id that lost its meaning in a spreadsheet. */
export function integer(least: number, most = LARGEST_INTEGER): Column {
  return {
    expectation: `a whole number from ${least} to ${most}`,
    parse: (field) => {
      const number = /^(0|-?[1-9]\d*)$/.test(field) ? Number(field) : Number.NaN
      return number >= least && number <= most ? number : undefined
    },
  }
}

/** Not 0, instead of which MariaDB gives the next free one. */
export const id = integer(1)

/** A DECIMAL(precision, places) that is not negative. Nothing is rounded: `1.250` may be a thousand. */
export function decimal(precision: number, places: number): Column {
  const most = (10 ** precision - 1) / 10 ** places
  const pattern = new RegExp(`^(0|[1-9]\\d*)(\\.\\d{1,${places}})?$`)
  return {
    expectation: `a number from 0 to ${most} with a point and at most ${places} decimal places`,
    parse: (field) => {
      const number = pattern.test(field) ? Number(field) : Number.NaN
      return number <= most ? number : undefined
    },
  }
}

/** Years are typed wrong, and a shift until 2205 is paid. Plans and rates may be of some years ahead. */
const FIRST_YEAR = 1970
const YEARS_AHEAD = 10

function isPlausible(field: string): boolean {
  const year = Number(field.slice(0, 4))
  return year >= FIRST_YEAR && year <= lastYear()
}

function lastYear(): number {
  return new Date().getUTCFullYear() + YEARS_AHEAD
}

/** In UTC, as milliseconds since 1970. */
export function instant(): Column {
  return {
    expectation: `an instant in UTC from ${FIRST_YEAR} to ${lastYear()} such as 2025-03-30T01:00:00.000Z`,
    parse: (field) => {
      const hasForm = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z$/.test(field)
      // JavaScript takes the 30th of February for the 2nd of March.
      return hasForm && isIsoDate(field.slice(0, 10)) && isPlausible(field) ? Date.parse(field) : undefined
    },
  }
}

export function date(): Column {
  return {
    expectation: `a calendar date from ${FIRST_YEAR} to ${lastYear()} as YYYY-MM-DD`,
    parse: (field) => (isIsoDate(field) && isPlausible(field) ? field : undefined),
  }
}

export function oneOf(...words: readonly string[]): Column {
  return {
    expectation: words.join(' or '),
    parse: (field) => words.find((word) => word === field),
  }
}
