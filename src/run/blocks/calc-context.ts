import type { CalcContext } from '../../pipeline/context.ts'
import type { ActiveRun } from '../active-run.ts'
import type { RunPlan } from '../plan/run-plan.ts'
import type { OpenUnit } from '../units/unit-runner.ts'

/** On whose behalf is calculated: a run, or whoever settles changes. */
export interface CalcOwner<Tx> extends Pick<ActiveRun<Tx>, 'settings' | 'identity' | 'now' | 'calendar'> {
  readonly plan: Pick<RunPlan, 'zone'>
}

/** What a calculator is handed in a unit of work. Plain data: a getter per object would cost more than the rest of a day. */
export function calcContext<Tx>(run: CalcOwner<Tx>, unit: OpenUnit<Tx>, attempt: number): CalcContext<Tx> {
  const { settings, plan, identity, calendar } = run
  return {
    tx: unit.tx,
    zone: plan.zone,
    zoneOf: calendar.zoneOf,
    dayBounds: calendar.dayBounds,
    dateOf: calendar.dateOf,
    signal: unit.aborting,
    attempt,
    logger: settings.logger,
    run: identity,
    now: run.now,
    afterCommit: (call) => unit.afterCommit(call),
  }
}
