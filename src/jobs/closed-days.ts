import type { DateInterval } from '../calendar/date-range.ts'
import { CallTimeoutError } from '../errors.ts'
import { askClosed, closedIntervals } from '../run/blocks/closed-periods.ts'
import { thrownBy } from '../run/blocks/stage-failure.ts'
import { messageOf } from '../run/failure.ts'
import { RunControl } from '../run/run-control.ts'
import type { RunSettings } from '../run/run-settings.ts'
import { withDeadline } from '../run/units/deadline.ts'
import { inUnitOfWork, type UnitRun, withUnits } from '../run/units/unit-runner.ts'
import { SYNCHRONOUS } from '../run/units/unit-slots.ts'

/** The longest that somebody who looks on waits for what is closed, in milliseconds. */
const LONGEST_WAIT_MS = 5_000

/** Some employees of a tenant, and some dates. */
interface ClosedQuery extends DateInterval {
  readonly tenantId: string
  readonly employeeIds: readonly string[]
}

/** What is closed of some days by employee; `undefined` when nobody can tell. */
export type ClosedDays = (query: ClosedQuery) => Promise<ReadonlyMap<string, readonly DateInterval[]> | undefined>

/**
 * Asks the host's closed periods, in a unit of work of its own, for somebody who looks on: a host that cannot be asked keeps
 * nothing else from him.
 *
 * @param signal Aborts when nobody looks on any more.
 */
export function closedDays<Tx>(settings: RunSettings<Tx>, signal: AbortSignal): ClosedDays {
  const { closedPeriods, clock, callTimeoutMs, logger } = settings
  const timeoutMs = Math.min(LONGEST_WAIT_MS, callTimeoutMs / 2) // within the time of the whole page
  return async (query) => {
    if (!closedPeriods) return new Map()
    const control = new RunControl()
    const run: UnitRun<Tx> = { settings, control, rank: SYNCHRONOUS }
    const ask = () =>
      withUnits(run, (owner) => inUnitOfWork(owner, [], async ({ tx }) => await askClosed(closedPeriods, query, tx)))
    const late = () => new CallTimeoutError('closedPeriods', timeoutMs)
    try {
      const answer = await withDeadline(ask, { clock, timeoutMs, signal, late })
      return new Map(query.employeeIds.map((id) => [id, within(query, closedIntervals(closedPeriods, answer, id))]))
    } catch (thrown) {
      const err = thrownBy(thrown)
      control.abandon(err)
      logger.warn({ tenantId: query.tenantId, err }, `Which days are closed could not be asked: ${messageOf(err)}`)
      return undefined
    }
  }
}

/** The parts of some intervals that lie within other dates. */
function within({ from, to }: DateInterval, intervals: readonly DateInterval[]): readonly DateInterval[] {
  const parts = intervals.map((one) => ({ from: one.from < from ? from : one.from, to: one.to > to ? to : one.to }))
  return parts.filter((part) => part.from <= part.to)
}
