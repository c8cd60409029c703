// What the examples share: a service like any other. Each of them is about the way in.
import { dayStage, RecalcService } from 'recalc-service'

// Stands for the host's tables.
const totals = new Map<string, number>()

/** A service whose jobs take long enough to be watched. */
export const recalc = new RecalcService({
  zone: 'Europe/Berlin',
  progressIntervalMs: 100,
  stages: [
    dayStage<number, undefined>({
      name: 'daily_totals',
      title: 'Adding up the days',
      writes: ['daily_totals'],
      async load() {
        await new Promise((resolve) => setTimeout(resolve, 50)) // a real stage reads the whole block here
        return undefined
      },
      calculate: ({ employeeId, date }) => {
        if (employeeId === '07' && date === '2025-03-09') throw new RangeError('two shifts overlap')
        return Number(employeeId) * Number(date.slice(-2))
      },
      async save({ upserts }) {
        for (const { day, value } of upserts) totals.set(`${day.employeeId} ${day.date}`, value)
      },
    }),
  ],
  employees: {
    async listEmployees({ after = '', limit }) {
      const ids = Array.from({ length: 200 }, (_, i) => String(i + 1).padStart(2, '0')).sort()
      return ids
        .filter((id) => id > after)
        .slice(0, limit)
        .map((id) => ({ id }))
    },
  },
})
