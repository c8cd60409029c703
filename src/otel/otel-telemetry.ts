import {
  type Attributes,
  type BatchObservableResult,
  context,
  type Histogram,
  type Meter,
  metrics,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Levels, ObservedOperation, Operation, OperationEnd, Telemetry, TelemetryEvent } from '../index.ts'
import { endAttributes, errorAttributes, outcomes, spanAttributes, spanName, stageAttributes } from './attributes.ts'
import { gaugesOf, instrumentsOf } from './instruments.ts'

/** The instrumentation scope of what is not given. */
const SCOPE = 'recalc-service'

/** Where spans and metrics go. */
export interface OtelTelemetryOptions {
  /** Default: the global tracer provider's, under the name `recalc-service`. */
  readonly tracer?: Tracer
  /** Default: the global meter provider's, under the name `recalc-service`. */
  readonly meter?: Meter
}

/**
 * Makes OpenTelemetry spans and metrics of what a service does. Register your SDK before you call it: instruments that are made
 * earlier measure nothing.
 *
 * @example
 * const recalc = new RecalcService({ stages, employees, backend, telemetry: otelTelemetry() })
 */
export function otelTelemetry(options: OtelTelemetryOptions = {}): Telemetry {
  const { tracer = trace.getTracer(SCOPE), meter = metrics.getMeter(SCOPE) } = options
  const instruments = instrumentsOf(meter)
  const gauges = gaugesOf(meter)
  return {
    begin(operation) {
      const span = startSpan(tracer, operation)
      return new SpanOperation(span, operation, instruments)
    },
    record: (event) => recordEvent(instruments, event),
    watch(levels) {
      const observed = Object.values(gauges)
      const callback = async (result: BatchObservableResult) => observeLevels(gauges, result, await levels())
      meter.addBatchObservableCallback(callback, observed)
      return () => meter.removeBatchObservableCallback(callback, observed)
    },
  }
}

type Instruments = ReturnType<typeof instrumentsOf>

/**
 * Work that nobody waits for begins a trace of its own, with a link to what asked for it: a trace of a request would otherwise
 * last as long as the job that the request made.
 */
function startSpan(tracer: Tracer, operation: Operation): Span {
  const attributes = spanAttributes(operation)
  if (!isInBackground(operation)) return tracer.startSpan(spanName(operation), { attributes })
  const cause = trace.getSpanContext(context.active())
  const links = cause ? [{ context: cause }] : []
  return tracer.startSpan(spanName(operation), { attributes, links, root: true })
}

function isInBackground(operation: Operation): boolean {
  if (operation.type === 'run') return operation.isJob
  return operation.type === 'settle' && !operation.isAwaited
}

class SpanOperation implements ObservedOperation {
  readonly #span: Span
  readonly #operation: Operation
  readonly #instruments: Instruments
  readonly #begin = performance.now()

  constructor(span: Span, operation: Operation, instruments: Instruments) {
    this.#span = span
    this.#operation = operation
    this.#instruments = instruments
  }

  within<T>(work: () => T): T {
    const base = isInBackground(this.#operation) ? ROOT_CONTEXT : context.active()
    return context.with(trace.setSpan(base, this.#span), work)
  }

  end(end: OperationEnd): void {
    const { error } = end
    const { histogram, attributes } = this.#measured(end)
    histogram.record((performance.now() - this.#begin) / 1000, { ...attributes, ...errorAttributes(error) })
    this.#span.setAttributes(endAttributes(end))
    if (error !== undefined) {
      const message = error instanceof Error ? error.message : String(error)
      this.#span.recordException(error instanceof Error ? error : message)
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message })
    }
    this.#span.end()
  }

  #measured({ status = 'failed' }: OperationEnd): { readonly histogram: Histogram; readonly attributes: Attributes } {
    const { runSeconds, settleSeconds, blockSeconds, stageSeconds } = this.#instruments
    const operation = this.#operation
    switch (operation.type) {
      case 'run': {
        const { kind, isJob } = operation
        const attributes = { 'recalc.run.kind': kind, 'recalc.run.job': isJob, 'recalc.run.status': status }
        return { histogram: runSeconds, attributes }
      }
      case 'settle':
        return { histogram: settleSeconds, attributes: {} }
      case 'block':
        return { histogram: blockSeconds, attributes: {} }
      case 'stage':
        return { histogram: stageSeconds, attributes: stageAttributes(operation) }
    }
  }
}

function recordEvent(instruments: Instruments, event: TelemetryEvent): void {
  switch (event.type) {
    case 'days':
      for (const [outcome, days] of outcomes(event.days)) {
        instruments.days.add(days, { 'recalc.run.kind': event.kind, 'recalc.outcome': outcome })
      }
      break
    case 'wait':
      instruments.lockSeconds.record(event.seconds, { 'recalc.lock.kind': event.lock })
      break
    case 'retry':
      instruments.retries.add(1, { 'recalc.stage.name': event.stage, 'error.type': event.code })
      break
    case 'lease-lost':
      instruments.leaseLosses.add(1)
      break
  }
}

function observeLevels(
  gauges: ReturnType<typeof gaugesOf>,
  result: BatchObservableResult,
  { jobs, changes }: Levels,
): void {
  for (const status of ['queued', 'running', 'interrupted'] as const) {
    result.observe(gauges.jobs, jobs[status], { 'recalc.job.status': status })
  }
  result.observe(gauges.queueAge, jobs.oldestSeconds)
  if (!changes) return
  for (const state of ['waiting', 'failing', 'held'] as const) {
    result.observe(gauges.changes, changes[state], { 'recalc.change.state': state })
  }
  result.observe(gauges.dirtyEmployees, changes.dirtyEmployees)
  result.observe(gauges.oldestChange, changes.oldestSeconds)
}
