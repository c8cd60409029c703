import type { Clock } from '../../calendar/clock.ts'
import { StageTimeoutError } from '../../errors.ts'
import type { CalcContext } from '../../pipeline/context.ts'
import { observed, type StageCall, type Telemetry } from '../telemetry.ts'
import type { Awaiting } from '../units/unit-watchdog.ts'
import { StageFailure } from './stage-failure.ts'

/** How long a stage's own code may take. */
export interface StageLimits {
  readonly clock: Clock
  readonly stageTimeoutMs: number | undefined
  readonly telemetry: Telemetry | undefined
}

/**
 * Calls a stage's own code and gives it at most `stageTimeoutMs`. After that its signal aborts and the call fails, whether
 * the code heeds the signal or not: the unit of work around it is rolled back.
 *
 * @throws {StageFailure} around whatever the stage throws, or around a {@link StageTimeoutError}.
 */
export async function callStage<C extends CalcContext, T>(
  stage: string,
  name: StageCall,
  { monitor }: { readonly monitor: Awaiting },
  context: C,
  { clock, stageTimeoutMs, telemetry }: StageLimits,
  call: (context: C) => Promise<T>,
): Promise<T> {
  monitor.awaits(stage)
  const limited = () =>
    stageTimeoutMs === undefined ? call(context) : withTimeout(stage, context, clock, stageTimeoutMs, call)
  try {
    if (!telemetry) return await limited()
    return await observed(telemetry, () => ({ type: 'stage', stage, call: name }), limited)
  } catch (error) {
    throw new StageFailure(stage, error)
  } finally {
    monitor.awaits(undefined)
  }
}

async function withTimeout<C extends CalcContext, T>(
  stage: string,
  context: C,
  clock: Clock,
  timeoutMs: number,
  call: (context: C) => Promise<T>,
): Promise<T> {
  const timeUp = new AbortController()
  const signal = AbortSignal.any([context.signal, timeUp.signal])
  const late = Promise.withResolvers<never>()
  const timer = clock.setTimeout(() => {
    const error = new StageTimeoutError(stage, timeoutMs)
    timeUp.abort(error)
    late.reject(error)
  }, timeoutMs)
  try {
    return await Promise.race([call({ ...context, signal }), late.promise])
  } finally {
    timer.cancel()
  }
}
