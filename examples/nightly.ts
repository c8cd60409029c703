// A nightly script: recalculates the last days of everybody, shows progress, and tells by its exit code how it went:
// 0 all done, 1 some days failed, 2 the run failed, 130 cancelled. Ctrl-C lets the blocks in flight commit first.
import { addDays, dateOf, dayKey, dayStage, memoryBackend, RecalcService } from 'recalc-service'

const ZONE = 'Europe/Berlin'
const DAYS_BACK = 30
const EMPLOYEES = Array.from({ length: 500 }, (_, i) => ({ id: String(i + 1).padStart(4, '0') }))

// Stands for the host's tables.
const totals = new Map<string, number>()

const dailyTotals = dayStage<number, undefined>({
  name: 'daily_totals',
  title: 'Adding up the days',
  writes: ['daily_totals'],
  async load() {
    // A real stage reads the whole block here; waiting a moment stands for that.
    await new Promise((resolve) => setTimeout(resolve, 100))
    return undefined
  },
  calculate: ({ employeeId, date }) => Number(employeeId) * Number(date.slice(-2)),
  async stored({ employeeIds, dates }) {
    const keys = employeeIds.flatMap((employeeId) => dates.map((date) => dayKey({ employeeId, date })))
    return new Map(keys.flatMap((key) => (totals.has(key) ? [[key, totals.get(key) ?? 0]] : [])))
  },
  async save({ upserts, deletes }) {
    for (const { day, value } of upserts) totals.set(dayKey(day), value)
    for (const day of deletes) totals.delete(dayKey(day))
  },
})

const recalc = new RecalcService({
  zone: ZONE,
  stages: [dailyTotals],
  backend: memoryBackend(),
  employees: {
    async listEmployees({ after = '', limit }) {
      return EMPLOYEES.filter(({ id }) => id > after).slice(0, limit)
    },
    async countEmployees() {
      return EMPLOYEES.length
    },
  },
})

const today = dateOf(new Date(), ZONE)
const job = await recalc.triggerRecalcAllAsync(
  { tenantId: 'acme', from: addDays(today, -DAYS_BACK), to: today },
  { reason: 'nightly' },
)
process.once('SIGINT', () => void job.cancel('Ctrl-C'))
process.once('SIGTERM', () => void job.cancel('SIGTERM'))

job.on('progress', ({ progress, current, total, remainingMs }) => {
  const left = remainingMs === null ? '' : `, ${Math.ceil(remainingMs / 1000)} s left`
  console.log(`${Math.round(progress * 100)}% (${current} of ${total} days${left})`)
})
job.on('failure', ({ employeeId, date, message }) => console.error(`${employeeId} on ${date}: ${message}`))

const result = await job.result
console.log(`${result.status}: ${result.processedDays} of ${result.totalDays} days, ${result.failedDays} failed`)
await recalc.stop()

const exitCodes = { completed: 0, completed_with_errors: 1, failed: 2, interrupted: 2, paused: 130, cancelled: 130 }
process.exitCode = exitCodes[result.status]
