import type { ChangesSettings } from '../changes/changes-settings.ts'
import { InvalidOptionsError, InvalidRequestError } from '../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../expectation.ts'
import { checkStage } from '../pipeline/check-stage.ts'
import { type Pipeline, pipelineOf } from '../pipeline/pipeline.ts'
import type { Selection } from '../pipeline/selection.ts'
import type { Stage } from '../pipeline/stages.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import type { RunControl } from '../run/run-control.ts'
import { heldLanes } from './held/held-lanes.ts'
import { checkHeldRequest, type HeldPreviewOptions, type HeldRequest } from './held/held-request.ts'
import { type PreparedPreview, type Preview, previewOf } from './preview.ts'
import { type ClosedInPreview, lanesOfRequest } from './previewed-lanes.ts'
import { refuseWithoutLedger, refuseWithoutRollback, refuseWithoutStored } from './refusals.ts'

/** What can be said about a preview. */
export interface PreviewOptions<Tx = unknown> {
  /** Only the stages that write one of these tables. Default: all stages. */
  readonly tables?: readonly string[]
  /** Remove rows that no source supports any more. Default true. */
  readonly clearExisting?: boolean
  /**
   * Closed days and periods: `'skip'` (default) leaves them as they are, as a run does. `'include'` looks at them like at all
   * others. `'only'` tells nothing but what would be different in them.
   */
  readonly closed?: ClosedInPreview
  /** Other stages in place of the service's: what would they change? Their tables must be there. */
  readonly stages?: readonly Stage<Tx>[]
  /** Ends the preview: iterating it throws the signal's reason. */
  readonly signal?: AbortSignal
}

const OPTIONS = ['tables', 'clearExisting', 'closed', 'stages', 'signal']

const CLOSED: readonly unknown[] = [undefined, 'skip', 'include', 'only']

/** The previews of a service. */
export class Previews<Tx> {
  readonly #settings: ChangesSettings<Tx>
  readonly #running = new Map<RunControl, Promise<unknown>>()

  constructor(settings: ChangesSettings<Tx>) {
    this.#settings = settings
  }

  /** @param resolve Gives what is asked for, in the pipeline that it is asked of. */
  make(
    options: PreviewOptions<Tx>,
    own: Pipeline<Tx>,
    resolve: (
      pipeline: Pipeline<Tx>,
      options: Pick<PreviewOptions<Tx>, 'tables' | 'clearExisting' | 'signal'>,
    ) => Promise<{ readonly plan: RunPlan; readonly selection: Selection<Tx> }>,
  ): Preview {
    const prepare = async (): Promise<PreparedPreview> => {
      const pipeline = checkPreviewOptions(options, own)
      refuseWithoutRollback(this.#settings)
      const { closed = 'skip', stages: _, ...rest } = options
      const resolved = await resolve(pipeline, rest)
      refuseWithoutStored(resolved.selection)
      return {
        lanes: lanesOfRequest({ ...resolved, closed, settings: this.#settings }),
        leftOut: resolved.selection.tenantStages.map(({ name }) => name),
      }
    }
    return previewOf(prepare, signalOf(options), this)
  }

  /** What the held changes of a tenant would do. */
  held(request: HeldRequest, options: HeldPreviewOptions): Preview {
    const settings = this.#settings
    const prepare = async (): Promise<PreparedPreview> => {
      checkHeldRequest(request, options)
      refuseWithoutLedger(settings)
      refuseWithoutRollback(settings)
      refuseWithoutStored(settings.wholePass)
      return { lanes: heldLanes(settings, request), leftOut: [] }
    }
    return previewOf(prepare, signalOf(options), this)
  }

  /** @internal */
  begin(control: RunControl, done: Promise<unknown>): void {
    this.#running.set(control, done)
    void done.then(() => this.#running.delete(control))
  }

  /** Ends them; resolves when none goes on any more. */
  async stop(cause: unknown): Promise<void> {
    for (const control of this.#running.keys()) control.stop({ status: 'interrupted', cause })
    await Promise.all(this.#running.values())
  }

  /** Waits for none of them any more. */
  abandon(cause: unknown): void {
    for (const control of this.#running.keys()) control.abandon(cause)
  }
}

/** What ends it; whether the options are right is told when it is iterated. */
function signalOf(options: { readonly signal?: unknown } | null | undefined): AbortSignal | undefined {
  return options?.signal instanceof AbortSignal ? options.signal : undefined
}

/**
 * Checks what is said about a preview.
 *
 * @returns the pipeline that it is about.
 * @throws {InvalidRequestError} that names the value and what was expected of it.
 * @throws {PipelineError} when the given stages cannot work together.
 */
function checkPreviewOptions<Tx>(options: unknown, own: Pipeline<Tx>): Pipeline<Tx> {
  if (!isPlainObject(options))
    throw new InvalidRequestError(expected('options', `an object { ${OPTIONS.join(', ')} }`, options))
  const unknown = unknownProperty(options, OPTIONS)
  if (unknown !== undefined) {
    throw new InvalidRequestError(
      `${expected('options', `an object { ${OPTIONS.join(', ')} }`, options)}: \`${unknown}\` is not known`,
    )
  }
  const { closed, stages } = options
  if (!CLOSED.includes(closed)) throw new InvalidRequestError(expected('closed', "'skip', 'include' or 'only'", closed))
  if (stages === undefined) return own
  if (!Array.isArray(stages) || stages.length === 0) {
    throw new InvalidRequestError(expected('stages', 'a non-empty array of stages', stages))
  }
  for (const [i, stage] of stages.entries()) asRequest(() => checkStage(`stages[${i}]`, stage))
  return pipelineOf<Tx>(undefined, stages as Stage<Tx>[]) // as was just checked
}

function asRequest(check: () => void): void {
  try {
    check()
  } catch (error) {
    throw error instanceof InvalidOptionsError ? new InvalidRequestError(error.message) : error
  }
}
