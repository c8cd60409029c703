// Booking and absence hooks: they call the service after their own commit, for every employee-day that the edit touches.
import { dateOf, RecalcService } from 'recalc-service'

const ZONE = 'Europe/Vienna'
const TENANT = 'acme'

interface Booking {
  readonly id: number
  readonly employeeId: string
  readonly start: Date
  readonly end: Date
}

interface Absence {
  readonly employeeId: string
  readonly from: string
  readonly to: string
}

// Stands for the host's database; every method is one committed transaction.
const bookings = new Map<number, Booking>()
const absences: Absence[] = []
const daySheets = new Map<string, string>()

const recalc = new RecalcService({
  zone: ZONE,
  dailyCalc: {
    async calculateDay({ employeeId, date }, { zone }) {
      const own = [...bookings.values()].filter((booking) => booking.employeeId === employeeId)
      const minutes = own
        .filter(({ start }) => dateOf(start, zone) === date)
        .reduce((sum, { start, end }) => sum + (end.getTime() - start.getTime()) / 60_000, 0)
      const absent = absences.some(
        (absence) => absence.employeeId === employeeId && absence.from <= date && date <= absence.to,
      )
      daySheets.set(`${employeeId} ${date}`, absent ? 'absent' : `${minutes} min`)
    },
  },
  employees: {
    async listEmployees({ after = '', limit }) {
      return [{ id: 'ada' }, { id: 'bob' }].filter(({ id }) => id > after).slice(0, limit)
    },
  },
})

/** A booking was created, changed or deleted. Moving it to another day or employee touches both the old and the new. */
async function onBookingChanged(before: Booking | undefined, after: Booking | undefined): Promise<void> {
  const touched = new Map<string, { employeeId: string; date: string }>()
  for (const booking of [before, after]) {
    if (!booking) continue
    const date = dateOf(booking.start, ZONE)
    touched.set(`${booking.employeeId} ${date}`, { employeeId: booking.employeeId, date })
  }
  for (const day of touched.values()) {
    await recalc.triggerRecalc({ tenantId: TENANT, ...day }, { reason: 'booking changed' })
  }
}

/** An absence covers whole days of one employee. */
async function onAbsenceChanged(before: Absence | undefined, after: Absence | undefined): Promise<void> {
  for (const absence of [before, after]) {
    if (absence) await recalc.triggerRecalcRange({ tenantId: TENANT, ...absence }, { reason: 'absence changed' })
  }
}

async function saveBooking(booking: Booking): Promise<void> {
  const before = bookings.get(booking.id)
  bookings.set(booking.id, booking)
  // Here the transaction has committed. A run that starts now sees the edit; one that started before cannot overwrite it.
  await onBookingChanged(before, booking)
}

async function deleteBooking(id: number): Promise<void> {
  const before = bookings.get(id)
  bookings.delete(id)
  await onBookingChanged(before, undefined)
}

async function addAbsence(absence: Absence): Promise<void> {
  absences.push(absence)
  await onAbsenceChanged(undefined, absence)
}

const at = (time: string) => new Date(`${time}:00+01:00`)
const show = (what: string) => {
  const sheets = [...daySheets].map(([day, sheet]) => `${day}: ${sheet}`)
  console.log(`${what}\n  ${sheets.join('\n  ')}`)
  daySheets.clear()
}

await saveBooking({ id: 1, employeeId: 'ada', start: at('2025-02-03T22:00'), end: at('2025-02-04T06:00') })
show('a night shift is booked; it belongs to the day it began on')

await saveBooking({ id: 1, employeeId: 'ada', start: at('2025-02-04T22:00'), end: at('2025-02-05T04:00') })
show('it is moved to the next day: both days are recalculated')

await saveBooking({ id: 1, employeeId: 'bob', start: at('2025-02-04T22:00'), end: at('2025-02-05T04:00') })
show('it turns out to be of another employee: both are recalculated')

await deleteBooking(1)
show('it is deleted')

await addAbsence({ employeeId: 'ada', from: '2025-02-10', to: '2025-02-12' })
show('an absence of three days')

await recalc.stop()
