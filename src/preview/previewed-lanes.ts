import { randomUUID } from 'node:crypto'
import { datesBetween } from '../calendar/date-range.ts'
import { CallTimeoutError, InvalidRequestError } from '../errors.ts'
import type { RunIdentity } from '../pipeline/context.ts'
import type { Selection } from '../pipeline/selection.ts'
import { calculatorOf } from '../run/blocks/calculator-of.ts'
import type { CorrectionStore } from '../run/corrections/correction-store.ts'
import { employeePages } from '../run/plan/employee-pages.ts'
import { runCalendar } from '../run/plan/run-calendar.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import { RunControl } from '../run/run-control.ts'
import type { RunSettings } from '../run/run-settings.ts'
import { withDeadline } from '../run/units/deadline.ts'
import { OF_JOB } from '../run/units/unit-slots.ts'
import { inParallel } from './in-parallel.ts'
import { type ActivePreview, type PreviewLane, previewLane } from './preview-lane.ts'
import type { LaneSource, PreviewedLane } from './previewed-lane.ts'

/** What becomes of closed days and periods: left out, looked at like all others, or only they are told. */
export type ClosedInPreview = 'skip' | 'include' | 'only'

/** What a preview is about. */
export interface PreviewInput<Tx> {
  readonly plan: RunPlan
  readonly selection: Selection<Tx>
  readonly settings: RunSettings<Tx>
  readonly closed: ClosedInPreview
  /** Values of which corrections were taken over are told as well, right or not. */
  readonly corrections?: CorrectionStore<Tx>
}

/** Hears of a preview that has begun, and of its end. */
export interface RunningPreviews {
  begin(control: RunControl, done: Promise<unknown>): void
}

/** Lanes that end with the signal, or with the service. */
export async function* underControl(
  lanes: LaneSource,
  signal: AbortSignal | undefined,
  running: RunningPreviews,
): AsyncGenerator<PreviewedLane> {
  const control = new RunControl()
  const stop = () => {
    control.stop({ status: 'cancelled', cause: signal?.reason })
    control.abort(signal?.reason)
  }
  const found = lanes(control)
  const done = Promise.withResolvers<void>()
  running.begin(control, done.promise)
  // Whoever reads it may never ask for more: what is in flight ends without them.
  const isOver = () => done.resolve()
  const end = () => void found.return(undefined).then(isOver, isOver)
  control.stopping.addEventListener('abort', end, { once: true })
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()
  try {
    yield* found
    if (control.stopped) throw control.stopped.cause
  } finally {
    signal?.removeEventListener('abort', stop)
    done.resolve()
  }
}

/** The lanes of a request, several at once. */
export function lanesOfRequest<Tx>(input: PreviewInput<Tx>): LaneSource {
  return (control) => {
    const preview = activePreview(input, control)
    const work = (lane: PreviewLane) => previewLane(preview, lane)
    return inParallel(lanesOf(preview), work, preview.settings.concurrency, control)
  }
}

function activePreview<Tx>(
  { plan, selection, settings, closed, corrections }: PreviewInput<Tx>,
  control: RunControl,
): ActivePreview<Tx> {
  const closedPeriods = closed === 'skip' ? settings.closedPeriods : undefined
  // Nothing is taken from the ledger: that is for those who commit.
  const own: RunSettings<Tx> = { ...settings, closedPeriods, ledger: undefined, history: undefined }
  const calculator = calculatorOf(selection, 1, own)
  if (!calculator) throw new InvalidRequestError('There is nothing to preview: only tenant stages were asked for')
  const identity: RunIdentity = Object.freeze({ id: randomUUID(), kind: plan.kind, from: plan.from, to: plan.to })
  return {
    plan,
    identity,
    settings: own,
    control,
    rank: OF_JOB,
    calculator,
    closedBy: closed === 'only' ? settings.closedPeriods : undefined,
    corrections,
    calendar: runCalendar(settings.zones, plan, {
      stopping: () => control.signal,
      most: settings.block.employees * settings.concurrency,
    }),
    now: () => new Date(settings.clock.now()),
    journal: { retrying: (notice) => settings.logger.warn(notice, 'Transient error, trying again') },
  }
}

/** Groups of employees whose days are about as many as those of a block. */
async function* lanesOf<Tx>({ plan, settings, calculator, control }: ActivePreview<Tx>): AsyncGenerator<PreviewLane> {
  const dates = datesBetween(plan.from, plan.to)
  const { employees, days } = calculator.shape
  const size = Math.max(1, Math.floor((employees * days) / dates.length))
  const { clock, callTimeoutMs: timeoutMs } = settings
  const late = () => new CallTimeoutError('the employee repository', timeoutMs)
  const read = <T>(call: () => Promise<T>) => withDeadline(call, { clock, timeoutMs, signal: control.stopping, late })
  const limit = Math.min(size, employees) * settings.concurrency
  if (plan.employeeIds?.length === 0) return
  for await (const page of employeePages(plan.employeeIds ?? settings.employees, plan, { after: null, limit, read })) {
    for (let i = 0; i < page.length; i += size) yield { employees: page.slice(i, i + size), dates }
  }
}
