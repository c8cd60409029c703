import { addDays, type DateInterval } from '../../calendar/date-range.ts'
import { isIsoDate } from '../../calendar/iso-date.ts'
import { ContractError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { ClosedPeriods } from '../plan/host-contracts.ts'

/** The first date that there is: `closedThrough` closes everything from here on. */
const BEGINNING = '1900-01-01'

const RANGE = 'as YYYY-MM-DD from 1900-01-01 to 9999-12-31'

/** Which days of a block are closed, according to the host. */
export function askClosed<Tx>(
  periods: ClosedPeriods<Tx>,
  query: { readonly tenantId: string; readonly employeeIds: readonly string[] } & DateInterval,
  tx: Tx,
): Promise<unknown> {
  if (periods.closed) return periods.closed(query, tx)
  const { tenantId, employeeIds } = query
  return periods.closedThrough({ tenantId, employeeIds }, tx)
}

/**
 * The closed intervals that the host gave for one employee.
 *
 * @throws {ContractError} when it is nothing of the kind.
 */
export function closedIntervals(
  periods: ClosedPeriods<never>,
  answer: unknown,
  employeeId: string,
): readonly DateInterval[] {
  if (!(answer instanceof Map)) return refuse(periods, answer)
  const given: unknown = answer.get(employeeId)
  if (given === undefined) return none
  if (!periods.closed) {
    if (isIsoDate(given)) return [{ from: BEGINNING as DateInterval['from'], to: given }]
    throw new ContractError(expected(`closedThrough(…) of employee ${employeeId}`, `a date ${RANGE}`, given))
  }
  if (!Array.isArray(given)) {
    throw new ContractError(expected(`closed(…) of employee ${employeeId}`, 'an array of { from, to }', given))
  }
  for (const interval of given as readonly unknown[]) checkInterval(interval, employeeId)
  return given as readonly DateInterval[] // each was checked
}

/** True when some intervals, which may overlap, hold every day of another one. */
export function isCovered({ from, to }: DateInterval, intervals: readonly DateInterval[]): boolean {
  let open: DateInterval['from'] = from
  for (const interval of intervals.toSorted((a, b) => (a.from < b.from ? -1 : 1))) {
    if (interval.from > open) return false
    if (interval.to >= to) return true
    if (interval.to >= open) open = addDays(interval.to, 1)
  }
  return false
}

const none: readonly DateInterval[] = []

function checkInterval(interval: unknown, employeeId: string): void {
  const { from, to } = (interval ?? {}) as Partial<Record<string, unknown>> // or has none of these
  const name = `closed(…) of employee ${employeeId}`
  if (!isIsoDate(from) || !isIsoDate(to)) {
    throw new ContractError(expected(name, `intervals whose \`from\` and \`to\` are dates ${RANGE}`, interval))
  }
  if (to < from)
    throw new ContractError(expected(name, 'intervals whose `to` is no earlier than their `from`', interval))
}

function refuse({ closed }: ClosedPeriods<never>, answer: unknown): never {
  throw closed
    ? new ContractError(expected('closed(…)', 'a map of employee ids to arrays of { from, to }', answer))
    : new ContractError(expected('closedThrough(…)', 'a map of employee ids to dates as YYYY-MM-DD', answer))
}
