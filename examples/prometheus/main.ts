// Metrics for Prometheus, on a private port; dashboard.json is for Grafana. Run it: npm run build && npx node examples/prometheus/main.ts
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { dayStage, RecalcService } from 'recalc-service'
import { otelTelemetry } from 'recalc-service/otel'

const port = 9464 + Math.floor(Math.random() * 10_000) // a fixed one, in earnest
const exporter = new PrometheusExporter({ host: '127.0.0.1', port })
const meter = new MeterProvider({ readers: [exporter] }).getMeter('recalc-service')

const hours = dayStage<number, undefined>({
  name: 'hours',
  writes: ['hours'],
  load: async () => undefined,
  calculate: () => 8,
  save: async () => {},
})
const recalc = new RecalcService({
  stages: [hours],
  employees: { listEmployees: async ({ after }) => (after ? [] : [{ id: 'ada' }]) },
  telemetry: otelTelemetry({ meter }),
})
await recalc.start()
const job = await recalc.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-03-01', to: '2025-03-31' })
await job.result

const response = await fetch(`http://127.0.0.1:${port}/metrics`)
console.log(await response.text())
await recalc.stop()
await exporter.shutdown()
