/**
 * Spans and metrics for OpenTelemetry. It needs `@opentelemetry/api`.
 *
 * @module recalc-service/otel
 */

export { type OtelTelemetryOptions, otelTelemetry } from './otel-telemetry.ts'
