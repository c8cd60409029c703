import { type IsoDate, isIsoDate, isZone } from 'recalc-service'
import { UsageError } from './usage-error.ts'

// Values of the command line. Each function throws a UsageError for what makes no sense.

export function dateOption(name: string, value: string | undefined): IsoDate {
  if (isIsoDate(value)) return value
  throw unexpected(name, 'a calendar date as YYYY-MM-DD', value)
}

export function instantOption(name: string, value: string | undefined): Date | undefined {
  if (value === undefined) return undefined
  // JavaScript takes the 30th of February for the 2nd of March.
  const isDate = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value) && isIsoDate(value.slice(0, 10))
  const found = isDate ? new Date(value) : undefined
  if (found && !Number.isNaN(found.getTime())) return found
  throw unexpected(name, 'an instant such as 2025-04-04T13:30:00Z', value)
}

export function zoneOption(name: string, value: string | undefined): string {
  if (value !== undefined && isZone(value)) return value
  throw unexpected(name, 'an IANA time zone such as Europe/Amsterdam', value)
}

export function urlOption(name: string, protocols: readonly string[], value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value
  throw unexpected(name, `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`, value)
}

export function numberOption(name: string, value: string, least: number, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  throw unexpected(name, `a whole number from ${least} to ${most}`, value)
}

export function unexpected(name: string, expectation: string, value: string | undefined): UsageError {
  return new UsageError(
    `Expected --${name} to be ${expectation}, got ${value === undefined ? 'nothing' : `"${value}"`}`,
  )
}
