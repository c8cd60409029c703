import { dateOf, dayBounds } from '../../calendar/zone.ts'
import type { CalcContext } from '../../pipeline/context.ts'
import type { ActiveRun } from '../active-run.ts'
import type { OpenUnit } from '../units/unit-runner.ts'

/** What a calculator is handed in a unit of work. */
export function calcContext<Tx>(run: ActiveRun<Tx>, unit: OpenUnit<Tx>, attempt: number): CalcContext<Tx> {
  const { settings, plan, control, identity } = run
  const start = plan.dayStartsAt === undefined ? undefined : { startsAt: plan.dayStartsAt }
  let signal: AbortSignal | undefined
  return {
    tx: unit.tx,
    zone: plan.zone,
    zoneOf: (employeeId) => run.zoneOf(employeeId, control.signal),
    dayBounds: (date, zone = plan.zone) => dayBounds(date, zone, start),
    dateOf: (instant, zone = plan.zone) => dateOf(instant, zone, start),
    // Made only for those who ask: most calculators never do.
    get signal() {
      signal ??= AbortSignal.any([control.signal, unit.monitor.signal])
      return signal
    },
    attempt,
    logger: settings.logger,
    run: identity,
    now: run.now,
    afterCommit: (call) => unit.afterCommit(call),
  }
}
