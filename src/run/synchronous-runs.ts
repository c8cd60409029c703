import type { Selection } from '../pipeline/selection.ts'
import type { RunPlan } from './plan/run-plan.ts'
import type { RecalcResult } from './result.ts'
import { RunControl } from './run-control.ts'
import { runNow } from './run-now.ts'
import type { RunSettings } from './settings.ts'

/** The runs of a service whose callers wait for them. */
export class RunsNow<Tx> {
  readonly #settings: RunSettings<Tx> & { readonly maxErrorsKept: number }
  readonly #running = new Map<RunControl, Promise<unknown>>()

  constructor(settings: RunSettings<Tx> & { readonly maxErrorsKept: number }) {
    this.#settings = settings
  }

  /** @throws {RecalcFailedError} when it stopped at a failed day; otherwise whatever ended it early, as it is. */
  async run(plan: RunPlan, selection: Selection<Tx>, signal: AbortSignal | undefined): Promise<RecalcResult> {
    const control = new RunControl(signal)
    const abort = () => control.stop({ status: 'cancelled', cause: signal?.reason })
    signal?.addEventListener('abort', abort, { once: true })
    const settings = this.#settings
    const running = runNow({ plan, selection, settings, control, maxErrorsKept: settings.maxErrorsKept })
    this.#running.set(
      control,
      running.catch(() => {}),
    )
    try {
      return await running
    } finally {
      this.#running.delete(control)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Lets blocks in flight commit and has every run reject with `cause`; resolves when none goes on any more. */
  async stop(cause: unknown): Promise<void> {
    for (const control of this.#running.keys()) control.stop({ status: 'interrupted', cause })
    await Promise.all(this.#running.values())
  }
}
