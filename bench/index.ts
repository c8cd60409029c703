// npm run bench [-- NAME …]: ratios against what one would otherwise do, measured in the same run.
import { benchDaily } from './daily.ts'
import { benchDurable } from './durable.ts'
import { benchHistory } from './history.ts'
import { benchHttp } from './http.ts'
import { benchLanes } from './lanes.ts'
import { benchCapture } from './ledger/capture.ts'
import { benchLatency } from './ledger/latency.ts'
import { benchLedger } from './ledger.ts'
import { benchMariadb } from './mariadb.ts'
import { benchMemory } from './memory.ts'
import { benchOverhead } from './overhead.ts'
import { benchPostgres } from './postgres.ts'
import { benchPreview } from './preview.ts'
import { benchReference } from './reference.ts'
import { benchReferenceMemory } from './reference-memory.ts'
import { benchTelemetry } from './telemetry.ts'
import { benchTimesheet } from './timesheet.ts'

const benches: Record<string, () => Promise<void> | void> = {
  overhead: benchOverhead,
  memory: benchMemory,
  reference: benchReference,
  'reference-memory': benchReferenceMemory,
  daily: benchDaily,
  durable: benchDurable,
  mariadb: benchMariadb,
  postgres: benchPostgres,
  ledger: benchLedger,
  history: benchHistory,
  preview: benchPreview,
  http: benchHttp,
  capture: benchCapture,
  lanes: benchLanes,
  latency: benchLatency,
  telemetry: benchTelemetry,
  timesheet: benchTimesheet,
}

const asked = process.argv.slice(2)
const unknown = asked.find((name) => !(name in benches))
if (unknown !== undefined) {
  console.error(`Expected any of ${Object.keys(benches).join(', ')}, got "${unknown}"`)
  process.exit(2)
}
console.log(`Node ${process.version}, ${process.arch}`)
for (const name of asked.length > 0 ? asked : Object.keys(benches)) await benches[name]?.()
