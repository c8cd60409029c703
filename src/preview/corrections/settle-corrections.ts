import type { IsoDate } from '../../calendar/iso-date.ts'
import { StaleCorrectionError } from '../../errors.ts'
import type { Booking, CorrectionStore } from '../../run/corrections/correction-store.ts'
import type { RunControl } from '../../run/run-control.ts'
import type { RunSettings } from '../../run/run-settings.ts'
import { attempt } from '../../run/units/attempts.ts'
import { lockInBackend, lockKeys } from '../../run/units/employee-locks.ts'
import { inUnitOfWork, type OpenUnit, withUnits } from '../../run/units/unit-runner.ts'
import { SYNCHRONOUS } from '../../run/units/unit-slots.ts'
import { bookingKey, type LaneSource } from '../previewed-lane.ts'
import type { CheckedSettle, CorrectionsRequest, NamedCorrection } from './correction-requests.ts'
import { openCorrections } from './corrections.ts'

/** What taking over corrections came to. */
export interface SettledCorrections {
  /** Corrections that are remembered now. */
  readonly settled: number
  /** Corrections that were taken over before. */
  readonly settledBefore: number
}

/** What corrections are taken over with. */
export interface SettlingCorrections<Tx> {
  readonly settings: RunSettings<Tx>
  readonly store: CorrectionStore<Tx>
  readonly control: RunControl
  /** The lanes of a request, as when its corrections were listed. */
  lanesOf(request: CorrectionsRequest): Promise<LaneSource>
}

type Found = Omit<Booking, 'at' | 'actor'>

/**
 * Remembers corrections, all of them or none. Each is calculated once more, as when it was listed: it is taken over only when
 * the same is stored and right, and nothing of it was taken over meanwhile. Nobody waits while that is calculated; who was
 * faster is seen under the employees' locks, at the end.
 *
 * @throws {StaleCorrectionError}
 */
export async function settleCorrections<Tx>(
  settling: SettlingCorrections<Tx>,
  { tenantId, named, actor }: CheckedSettle,
): Promise<SettledCorrections> {
  const { settings, store } = settling
  const takenIn = (tx: Tx) => store.takenOver(tx, tenantId, [...named.keys()].toSorted())
  const before = await inUnit(settling, [], ({ tx }) => takenIn(tx))
  const left = [...named.values()].filter(({ digest }) => !before.has(digest))
  if (left.length === 0) return { settled: 0, settledBefore: named.size }
  const found = await findAll(settling, tenantId, left)
  const employeeIds = [...new Set(left.map(({ employeeId }) => employeeId))].toSorted()
  return await inUnit(settling, lockKeys(tenantId, employeeIds), async (unit) => {
    await lockInBackend(settings, unit.tx, tenantId, employeeIds)
    // Another process may have taken over some of them since.
    const taken = await takenIn(unit.tx)
    const open = left.filter(({ digest }) => !taken.has(digest))
    const last = await lastBookings(store, unit.tx, tenantId, open)
    const isOpen = ({ digest }: NamedCorrection) => {
      const one = found.get(digest)
      return one && (last.get(keyOf(one))?.correction ?? null) === one.replaces
    }
    const stale = open.filter((one) => !isOpen(one))
    if (stale.length > 0) throw new StaleCorrectionError(stale.map(({ id }) => id))
    const at = settings.clock.now()
    const bookings = open.map(({ digest }) => ({ ...(found.get(digest) as Found), at, actor })) // was just looked for
    unit.committed = await store.book(unit.tx, tenantId, bookings)
    return { settled: bookings.length, settledBefore: named.size - bookings.length }
  })
}

/** What is to be remembered of corrections that are still open, by their digests. */
async function findAll<Tx>(
  { lanesOf, control }: SettlingCorrections<Tx>,
  tenantId: string,
  named: readonly NamedCorrection[],
): Promise<ReadonlyMap<string, Found>> {
  const wanted = new Map(named.map((one) => [one.digest, one]))
  const found = new Map<string, Found>()
  for (const group of Map.groupBy(named, ({ from, to }) => `${from} ${to}`).values()) {
    const { from, to } = group[0] as NamedCorrection // a group is not empty
    const employeeIds = [...new Set(group.map(({ employeeId }) => employeeId))]
    const lanes = await lanesOf({ tenantId, from, to, employeeIds })
    for await (const lane of lanes(control)) {
      for (const { booking } of openCorrections(lane, { tenantId, from, to })) {
        const one = wanted.get(booking.correction)
        // What an id says beside its digest may be forged, and it is what is locked.
        if (one && isAt(one, booking)) found.set(booking.correction, booking)
      }
    }
    if (control.stopped) throw control.stopped.cause
  }
  return found
}

function isAt(named: NamedCorrection, found: Found): boolean {
  return keyOf(named) === keyOf(found) && named.through === found.through
}

async function lastBookings<Tx>(
  store: CorrectionStore<Tx>,
  tx: Tx,
  tenantId: string,
  named: readonly NamedCorrection[],
): Promise<ReadonlyMap<string, Booking>> {
  if (named.length === 0) return new Map()
  const least = (dates: readonly IsoDate[]) => dates.reduce((a, b) => (a < b ? a : b))
  const most = (dates: readonly IsoDate[]) => dates.reduce((a, b) => (a > b ? a : b))
  const bookings = await store.bookings(tx, {
    tenantId,
    employeeIds: [...new Set(named.map(({ employeeId }) => employeeId))],
    from: least(named.map(({ date }) => date)),
    to: most(named.map(({ through }) => through)),
  })
  return new Map(bookings.map((booking) => [keyOf(booking), booking]))
}

function keyOf({ stage, employeeId, date }: Pick<Booking, 'stage' | 'employeeId' | 'date'>): string {
  return bookingKey(stage, employeeId, date)
}

async function inUnit<Tx, T>(
  { settings, control }: SettlingCorrections<Tx>,
  keys: readonly string[],
  work: (unit: OpenUnit<Tx>) => Promise<T>,
): Promise<T> {
  const journal = { retrying: (notice: object) => settings.logger.warn(notice, 'Transient error, trying again') }
  const run = { settings, control, journal, rank: SYNCHRONOUS }
  const done = await attempt('settleCorrections', run, async () => ({
    value: await withUnits(run, (owner) => inUnitOfWork<Tx, T>(owner, keys, work)),
  }))
  if (!done) throw control.stopped?.cause
  return done.value
}
