import type { Logger } from '../pipeline/context.ts'
import type { ObservedOperation, Telemetry } from './telemetry.ts'

/** Telemetry whose errors are logged and harm nothing that it observes: a day must not fail because its span did. */
export function harmlessTelemetry(telemetry: Telemetry, logger: Logger): Telemetry {
  const guarded = <T>(call: () => T): T | undefined => {
    try {
      return call()
    } catch (err) {
      logger.error({ err }, 'Telemetry failed')
      return undefined
    }
  }
  return {
    begin(operation) {
      const observed = guarded(() => telemetry.begin(operation))
      return observed ? harmlessOperation(observed, guarded) : unobserved
    },
    record: (event) => void guarded(() => telemetry.record(event)),
    watch: (levels) => {
      const end = guarded(() => telemetry.watch(levels))
      return () => void guarded(() => end?.())
    },
  }
}

function harmlessOperation(
  observed: ObservedOperation,
  guarded: <T>(call: () => T) => T | undefined,
): ObservedOperation {
  return {
    within<T>(work: () => T): T {
      // What the work itself throws, or returns, is passed on as it is. It is done once, whatever becomes of its observer.
      let outcome: { readonly result: T } | { readonly thrown: unknown } | undefined
      const once = (): T => {
        try {
          const result = work()
          outcome = { result }
          return result
        } catch (thrown) {
          outcome = { thrown }
          throw thrown
        }
      }
      try {
        return observed.within(once)
      } catch (error) {
        if (outcome && 'thrown' in outcome) throw outcome.thrown
        guarded(() => {
          throw error
        })
        return outcome ? outcome.result : work()
      }
    },
    end: (end) => void guarded(() => observed.end(end)),
  }
}

const unobserved: ObservedOperation = { within: (work) => work(), end: () => {} }
