import type { Transaction } from 'kysely'
import { addDays, type Change, dayBounds } from '../../../src/index.ts'
import type { Random } from '../random.ts'
import { DAYS, EMPLOYEES, FROM, type Release, TENANTS, type TimeTables, TODAY, ZONE } from './time-host.ts'

type Tx = Transaction<TimeTables>
type Booking = TimeTables['bookings']

const DAY_MS = 86_400_000

/** Numbers of bookings that there may be; some of them are deleted at any time. */
const BOOKINGS = 20_000

/** Edits some rows, all kinds of edits mixed; returns what is to be noted of them. */
export async function editSome(tx: Tx, random: Random, release: Release, most: number): Promise<readonly Change[]> {
  const ids = new Set(Array.from({ length: random.between(2, Math.max(2, most)) }, () => random.between(1, BOOKINGS)))
  const wanted = [...ids].sort((a, b) => a - b)
  // In the order of the keys, so that two of these do not wait for each other.
  const found = await tx
    .selectFrom('bookings')
    .selectAll()
    .where('id', 'in', wanted)
    .orderBy('id')
    .forUpdate()
    .execute()
  const bookings = new Map(found.map((booking) => [booking.id, { ...booking, start: Number(booking.start) }]))
  const noted: Change[] = []
  let partner: Booking | undefined
  for (const id of wanted) {
    const booking = bookings.get(id)
    if (!booking) noted.push(await insertBooking(tx, random, id))
    else if (random.chance(0.15)) noted.push(await deleteBooking(tx, booking))
    else if (random.chance(0.4)) noted.push(await moveBooking(tx, random, booking))
    else if (random.chance(0.3) && partner && partner.tenant === booking.tenant) {
      noted.push(...(await swapEmployees(tx, partner, booking)))
      partner = undefined
    } else {
      noted.push(await lengthen(tx, random, booking))
      partner = booking
    }
  }
  if (random.chance(0.05)) noted.push(await setRate(tx, random))
  if (release === 'new' && random.chance(0.2)) noted.push(await setAbsence(tx, random))
  return noted
}

/** An instant of a day that is calculated. */
function someTime(random: Random): number {
  const first = dayBounds(FROM, ZONE).start.getTime()
  return first + random.between(0, DAYS * DAY_MS - 2 * 3_600_000)
}

function someone(random: Random) {
  return { tenant: random.pick(TENANTS), employee: random.pick(EMPLOYEES) }
}

function bookingAt({ tenant, employee }: Pick<Booking, 'tenant' | 'employee'>, ...at: (number | null)[]): Change {
  const instants = at.map((time) => (time === null ? null : new Date(time)))
  return { tenantId: tenant, employeeId: employee, table: 'bookings', at: instants }
}

async function insertBooking(tx: Tx, random: Random, id: number): Promise<Change> {
  const booking = { id, ...someone(random), start: someTime(random), minutes: random.between(1, 60) }
  await tx.insertInto('bookings').values(booking).execute()
  return bookingAt(booking, null, booking.start)
}

async function deleteBooking(tx: Tx, booking: Booking): Promise<Change> {
  await tx.deleteFrom('bookings').where('id', '=', booking.id).execute()
  return bookingAt(booking, booking.start, null)
}

/** Over midnight, or to any other day. */
async function moveBooking(tx: Tx, random: Random, booking: Booking): Promise<Change> {
  const next = booking.start + random.pick([-DAY_MS / 2, DAY_MS / 2, DAY_MS])
  const first = dayBounds(FROM, ZONE).start.getTime()
  const isInside = next >= first && next < dayBounds(TODAY, ZONE).end.getTime()
  const start = isInside ? next : someTime(random)
  await tx.updateTable('bookings').set({ start }).where('id', '=', booking.id).execute()
  return bookingAt(booking, booking.start, start)
}

async function lengthen(tx: Tx, random: Random, booking: Booking): Promise<Change> {
  await tx
    .updateTable('bookings')
    .set({ minutes: random.between(1, 60) })
    .where('id', '=', booking.id)
    .execute()
  return bookingAt(booking, booking.start)
}

async function swapEmployees(tx: Tx, one: Booking, other: Booking): Promise<readonly Change[]> {
  await tx.updateTable('bookings').set({ employee: other.employee }).where('id', '=', one.id).execute()
  await tx.updateTable('bookings').set({ employee: one.employee }).where('id', '=', other.id).execute()
  return [bookingAt(one, one.start, other.start), bookingAt(other, other.start, one.start)]
}

async function setRate(tx: Tx, random: Random): Promise<Change> {
  const row = { ...someone(random), day: addDays(FROM, random.between(0, DAYS - 1)), amount: random.between(1, 5) }
  await replace(tx, 'rates', row)
  return { tenantId: row.tenant, employeeId: row.employee, table: 'rates', dates: { from: row.day } }
}

async function setAbsence(tx: Tx, random: Random): Promise<Change> {
  const row = { ...someone(random), day: addDays(FROM, random.between(0, DAYS - 1)), amount: random.between(0, 9) }
  await replace(tx, 'absences', row)
  return { tenantId: row.tenant, employeeId: row.employee, table: 'absences', dates: { from: row.day, to: row.day } }
}

async function replace(tx: Tx, table: 'rates' | 'absences', row: TimeTables['rates']): Promise<void> {
  const { tenant, employee, day } = row
  await tx
    .deleteFrom(table)
    .where('tenant', '=', tenant)
    .where('employee', '=', employee)
    .where('day', '=', day)
    .execute()
  await tx.insertInto(table).values(row).execute()
}

/** Closes some days of an employee, or opens them again. */
export async function moveClosing(tx: Tx, random: Random): Promise<Pick<Booking, 'tenant' | 'employee'>> {
  const { tenant, employee } = someone(random)
  await tx.deleteFrom('closings').where('tenant', '=', tenant).where('employee', '=', employee).execute()
  if (random.chance(0.3)) {
    const first = random.between(0, DAYS - 1)
    const last = addDays(FROM, first + random.between(0, 5))
    await tx
      .insertInto('closings')
      .values({ tenant, employee, first: addDays(FROM, first), last })
      .execute()
  }
  return { tenant, employee }
}
