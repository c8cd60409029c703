import type { CalcContext } from '../../pipeline/context.ts'
import type { ActiveRun } from '../active-run.ts'
import type { RunPlan } from '../plan/run-plan.ts'
import type { OpenUnit } from '../units/unit-runner.ts'

/** On whose behalf is calculated: a run, or whoever settles changes. */
export interface CalcOwner<Tx> extends Pick<ActiveRun<Tx>, 'settings' | 'control' | 'identity' | 'now'> {
  readonly plan: Pick<RunPlan, 'zone'>
}

/** What a calculator is handed in a unit of work. */
export function calcContext<Tx>(run: CalcOwner<Tx>, unit: OpenUnit<Tx>, attempt: number): CalcContext<Tx> {
  const { settings, plan, control, identity } = run
  let signal: AbortSignal | undefined
  return {
    tx: unit.tx,
    zone: plan.zone,
    // Made only for those who ask: most calculators never do.
    get signal() {
      signal ??= AbortSignal.any([control.signal, unit.watched.signal])
      return signal
    },
    attempt,
    logger: settings.logger,
    run: identity,
    now: run.now,
    afterCommit: unit.afterCommit,
  }
}
