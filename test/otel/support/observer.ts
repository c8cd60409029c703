import { context, type HrTime } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { otelTelemetry } from 'recalc-service/otel'

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

/** A reader that is asked by tests alone. */
class AskedReader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** One value of a metric: of a histogram the number of measurements, of another its value. */
export interface Point {
  readonly name: string
  readonly value: number
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Telemetry that keeps everything in memory. */
export function observer() {
  const exporter = new InMemorySpanExporter()
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test')
  const reader = new AskedReader()
  const meter = new MeterProvider({ readers: [reader] }).getMeter('test')
  return {
    tracer,
    telemetry: otelTelemetry({ tracer, meter }),
    spans: (): readonly ReadableSpan[] => exporter.getFinishedSpans(),
    named: (name: string): readonly ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name),
    /** Everything that was measured, with the units. */
    async metrics(): Promise<readonly { readonly name: string; readonly unit: string }[]> {
      const { resourceMetrics } = await reader.collect()
      return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics.map(({ descriptor }) => descriptor))
    },
    async points(name: string): Promise<readonly Point[]> {
      const { resourceMetrics, errors } = await reader.collect()
      if (errors.length > 0) throw errors[0]
      const found = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
      return found
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) =>
          dataPoints.map(({ value, attributes }) => ({
            name,
            value: typeof value === 'number' ? value : value.count,
            attributes,
          })),
        )
    },
  }
}

/** Milliseconds. */
export function millis([seconds, nanos]: HrTime): number {
  return seconds * 1000 + nanos / 1e6
}
