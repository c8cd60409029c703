// A process of its own: one durable job over a million employees, or over an explicit batch of 100,000 ids, and its peak memory.
import { Kysely, MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'
import { RecalcService } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { employees, FROM, nothingStage } from './nothing.ts'
import { peakMemoryMb } from './peak-memory.ts'

const [url = '', kind] = process.argv.slice(2)
const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: 10 }) }) })
const recalc = new RecalcService({
  backend: sqlBackend(db),
  employees: employees(1_000_000),
  stages: [nothingStage],
  exclusive: 'none',
})
await recalc.triggerRecalc({ tenantId: 'bench', employeeId: '7', date: FROM })
const idleMb = process.memoryUsage.rss() / 2 ** 20
const range = { tenantId: 'bench', from: FROM, to: FROM }
const job =
  kind === 'batch'
    ? await recalc.triggerRecalcBatchAsync({
        ...range,
        employeeIds: Array.from({ length: 100_000 }, (_, i) => `id-${i}`),
      })
    : await recalc.triggerRecalcAllAsync(range)
const { processedDays } = await job.result
const peakMb = peakMemoryMb()
console.log(JSON.stringify({ idleMb, peakMb, days: processedDays }))
await recalc.stop()
await db.destroy()
