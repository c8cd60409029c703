import type { DateInterval } from '../../calendar/date-range.ts'
import { isIsoDate } from '../../calendar/iso-date.ts'
import { ContractError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { RecalcFailure } from '../failure.ts'
import type { ClosedPeriods } from '../plan/host-contracts.ts'
import type { RunSettings } from '../run-settings.ts'
import type { BlockUnit } from './block-calculator.ts'
import type { BlockDays } from './block-days.ts'
import { callStage } from './stage-call.ts'

/** The first date that there is: `closedThrough` closes everything from here on. */
const BEGINNING = '1900-01-01'

const RANGE = 'as YYYY-MM-DD from 1900-01-01 to 9999-12-31'

/** The name under which the host's closed periods appear in errors. */
const CLOSED_PERIODS = 'closedPeriods'

/** Leaves out the days of a block that the host says are closed. */
export async function closeDays<Tx>(
  { settings }: { readonly settings: RunSettings<Tx> },
  days: BlockDays,
  unit: Pick<BlockUnit<Tx>, 'context' | 'monitor'>,
): Promise<void> {
  const { closedPeriods } = settings
  if (!closedPeriods) return
  const { tenantId, employeeIds } = days.block
  const { from, to } = days.periods?.extent ?? days.block
  const closed = await callStage(CLOSED_PERIODS, 'closed', unit, unit.context, settings, ({ tx }) =>
    askClosed(closedPeriods, { tenantId, employeeIds, from, to }, tx),
  )
  for (const [employee, id] of employeeIds.entries()) days.close(employee, closedIntervals(closedPeriods, closed, id))
}

/** True when it is unknown whether some day is closed, because asking failed. It is not asked again. */
export function isClosedUnknown(known: ReadonlyMap<unknown, RecalcFailure>): boolean {
  return known.values().some(({ stage }) => stage === CLOSED_PERIODS)
}

/** Asks the host which days are closed. */
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
