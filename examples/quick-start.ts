// The whole life cycle in memory: one day now, then everybody as a job. Run it: npm run build && npx node examples/quick-start.ts
import { dayBounds, RecalcService } from 'recalc-service'

// What a host has anyway: bookings to read, worked hours to keep right.
const bookings = [
  { employeeId: 'ada', start: new Date('2025-03-30T00:00:00Z'), end: new Date('2025-03-30T08:00:00Z') },
  { employeeId: 'bob', start: new Date('2025-03-31T05:00:00Z'), end: new Date('2025-03-31T09:30:00Z') },
]
const workedHours = new Map<string, number>()

const recalc = new RecalcService({
  zone: 'Europe/Berlin',
  dailyCalc: {
    async calculateDay({ employeeId, date }, { zone }) {
      const { start, end } = dayBounds(date, zone) // 2025-03-30 has 23 hours in Berlin
      const own = bookings.filter((booking) => booking.employeeId === employeeId)
      const today = own.filter((booking) => booking.start >= start && booking.start < end)
      const hours = today.reduce(
        (sum, booking) => sum + (booking.end.getTime() - booking.start.getTime()) / 3_600_000,
        0,
      )
      const key = `${employeeId} ${date}`
      if ((workedHours.get(key) ?? 0) === hours) return 'unchanged'
      workedHours.set(key, hours)
      return 'changed'
    },
  },
  employees: {
    async listEmployees({ after = '', limit }) {
      return [{ id: 'ada' }, { id: 'bob' }].filter(({ id }) => id > after).slice(0, limit)
    },
  },
})

// After an edit: one day, now.
const day = await recalc.triggerRecalc({ tenantId: 'acme', employeeId: 'ada', date: '2025-03-30' })
console.log(`one day: ${day.status}, ${workedHours.get('ada 2025-03-30')} hours`)

// After a change of the rules: everybody, in the background.
const job = await recalc.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-03-01', to: '2025-03-31' })
job.on('progress', ({ current, total }) => console.log(`progress: ${current} of ${total} days`))
const result = await job.result
console.log(`job: ${result.status}, ${result.processedDays} days, ${result.unchangedDays} of them unchanged`)

await recalc.stop()
