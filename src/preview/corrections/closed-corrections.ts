import { InvalidRequestError } from '../../errors.ts'
import type { Selection } from '../../pipeline/selection.ts'
import type { CorrectionStore } from '../../run/corrections/correction-store.ts'
import { kindOf } from '../../run/plan/resolve-request.ts'
import type { RunPlan } from '../../run/plan/run-plan.ts'
import { RunControl } from '../../run/run-control.ts'
import type { RunSettings } from '../../run/run-settings.ts'
import { joinOf, settingsWithin } from '../../run/units/joined-transaction.ts'
import { lanesOfRequest, type RunningPreviews } from '../previewed-lanes.ts'
import { refuseWithoutRollback, refuseWithoutStored } from '../refusals.ts'
import {
  type CorrectionsRequest,
  checkObject,
  checkSettle,
  checkSignal,
  type SettleCorrectionsRequest,
} from './correction-requests.ts'
import { Corrections, type PreparedCorrections } from './corrections.ts'
import { type SettledCorrections, settleCorrections } from './settle-corrections.ts'

/** Checks a request and makes it a plan. */
export type ResolveCorrections<Tx> = (
  kind: 'batch' | 'all',
  request: CorrectionsRequest,
) => Promise<{ readonly plan: RunPlan; readonly selection: Selection<Tx> }>

/** What the closed days and periods of a service still owe. */
export class ClosedCorrections<Tx> {
  readonly #settings: RunSettings<Tx>
  readonly #running: RunningPreviews
  readonly #resolve: ResolveCorrections<Tx>

  constructor(settings: RunSettings<Tx>, running: RunningPreviews, resolve: ResolveCorrections<Tx>) {
    this.#settings = settings
    this.#running = running
    this.#resolve = resolve
  }

  list(request: CorrectionsRequest, options: unknown): Corrections {
    const prepare = async (): Promise<PreparedCorrections> => {
      checkSignal(checkObject('options', options, ['signal']).signal)
      return await this.#prepare(request, this.#settings)
    }
    const { signal } = (options ?? {}) as { readonly signal?: unknown } // checked in `prepare`
    return new Corrections(prepare, signal instanceof AbortSignal ? signal : undefined, this.#running)
  }

  async settle(request: SettleCorrectionsRequest, options: unknown): Promise<SettledCorrections> {
    const given = checkObject('options', options, ['tx', 'signal'])
    const signal = checkSignal(given.signal)
    const checked = checkSettle(request)
    const store = this.#store()
    signal?.throwIfAborted()
    const control = new RunControl()
    const { settings, look, within } = 'tx' in given ? this.#join(given.tx as Tx, control) : this.#alone()
    const stop = () => {
      control.stop({ status: 'cancelled', cause: signal?.reason })
      control.abort(signal?.reason)
    }
    const done = Promise.withResolvers<void>()
    this.#running.begin(control, done.promise)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const lanesOf = async (own: CorrectionsRequest) => (await this.#prepare(own, look)).lanes
      return await within(() => settleCorrections({ settings, store, control, lanesOf }, checked))
    } catch (error) {
      throw control.stopped ? control.stopped.cause : error
    } finally {
      signal?.removeEventListener('abort', stop)
      done.resolve()
    }
  }

  async #prepare(request: CorrectionsRequest, settings: RunSettings<Tx>): Promise<PreparedCorrections> {
    const corrections = this.#store()
    if (!settings.closedPeriods) {
      throw new InvalidRequestError('Corrections are those of closed days: give the service `closedPeriods`')
    }
    refuseWithoutRollback(settings)
    const { plan, selection } = await this.#resolve(kindOf(request) === 'batch' ? 'batch' : 'all', request)
    refuseWithoutStored(selection)
    const { tenantId, from, to } = plan
    return {
      lanes: lanesOfRequest({ plan, selection, settings, closed: 'only', corrections }),
      asked: { tenantId, from, to },
    }
  }

  #store(): CorrectionStore<Tx> {
    const { corrections } = this.#settings
    if (corrections) return corrections
    throw new InvalidRequestError(
      'Expected a backend that remembers corrections, got one that does not; `memoryBackend` and `sqlBackend` do',
    )
  }

  #alone(): Transactions<Tx> {
    return { settings: this.#settings, look: this.#settings, within: (work) => work() }
  }

  /** Everything happens in a transaction of the host; what is only looked at is taken back by savepoints. */
  #join(tx: Tx, control: RunControl): Transactions<Tx> {
    const { unitOfWork } = this.#settings
    const join = joinOf(unitOfWork, tx, {})
    const withSavepoint = unitOfWork.withSavepoint?.bind(unitOfWork)
    if (!withSavepoint) {
      throw new InvalidRequestError('Expected `tx` to be left out: this backend has no savepoints (sqlBackend has)')
    }
    const calls: (() => unknown)[] = []
    const settings = settingsWithin(this.#settings, tx, control, calls)
    const look: RunSettings<Tx> = {
      ...settings,
      // A lane of a preview ends by an error, always.
      unitOfWork: {
        ...settings.unitOfWork,
        run: (work) => withSavepoint(tx, () => settings.unitOfWork.run(work) as never),
      },
      concurrency: 1,
    }
    return { settings, look, within: (work) => join(tx, work) }
  }
}

/** In which transactions corrections are taken over. */
interface Transactions<Tx> {
  readonly settings: RunSettings<Tx>
  /** For what is looked at and never kept. */
  readonly look: RunSettings<Tx>
  within<T>(work: () => Promise<T>): Promise<T>
}
