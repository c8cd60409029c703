import assert from 'node:assert/strict'
import { parseIsoDate } from '../../calendar/iso-date.ts'
import type { RecalcBackend } from '../../jobs/job-store.ts'
import type { Booking, CorrectionStore } from '../../run/corrections/correction-store.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { HOSTILE_STRINGS } from './hostile-strings.ts'

type CorrectionBackend<Tx> = RecalcBackend<Tx> & { readonly corrections: CorrectionStore<Tx> }

interface CorrectionCase {
  readonly name: string
  run<Tx>(backend: CorrectionBackend<Tx>): Promise<void>
}

const JANUARY = { from: parseIsoDate('2025-01-01', 'date'), to: parseIsoDate('2025-01-31', 'date') }

const cases: readonly CorrectionCase[] = [
  {
    name: 'what was taken over of a value is read as it was booked, by employee and dates',
    async run(backend) {
      const day = bookingOf('c1', { taken: { '': -0.25, minutes: 1e300 }, actor: 'ada' })
      const month = bookingOf('c2', { stage: 'months', date: JANUARY.from, through: JANUARY.to })
      const other = bookingOf('c3', { employeeId: '2' })
      await book(backend, 'acme', day, month, other)
      assert.deepEqual(await bookings(backend, 'acme', ['1']), [day, month])
      assert.deepEqual(await bookings(backend, 'acme', ['2', '1']), [day, month, other])
      assert.deepEqual(await bookings(backend, 'acme', []), [])
      assert.deepEqual(await bookings(backend, 'acme', ['1'], '2025-01-11', '2025-01-20'), [month])
      assert.deepEqual(await bookings(backend, 'acme', ['1'], '2025-02-01', '2025-02-28'), [])
      assert.deepEqual(await bookings(backend, 'other', ['1']), [])
    },
  },
  {
    name: 'a booking stands in place of the one that it replaces, which stays known as taken over',
    async run(backend) {
      await book(backend, 'acme', bookingOf('c1'), bookingOf('c2', { stage: 'balances' }))
      const second = bookingOf('c3', { replaces: 'c1', taken: {} })
      await book(backend, 'acme', second)
      assert.deepEqual(await bookings(backend, 'acme', ['1']), [bookingOf('c2', { stage: 'balances' }), second])
      assert.deepEqual(await takenOver(backend, 'acme', ['c1', 'c2', 'c3', 'c4']), ['c1', 'c2', 'c3'])
      assert.deepEqual(await takenOver(backend, 'acme', []), [])
      assert.deepEqual(await takenOver(backend, 'other', ['c1', 'c2', 'c3']), [])
    },
  },
  {
    name: 'what a unit of work books is gone when it rolls back',
    async run(backend) {
      const { unitOfWork, corrections } = backend
      const failed = unitOfWork.run(async (tx) => {
        await corrections.book(tx, 'acme', [bookingOf('c1')])
        throw new Error('no')
      })
      await assert.rejects(failed, /no/)
      assert.deepEqual(await bookings(backend, 'acme', ['1']), [])
      assert.deepEqual(await takenOver(backend, 'acme', ['c1']), [])
    },
  },
  {
    name: 'bookings of thousands, and with strings of all kinds, are kept whole',
    async run(backend) {
      const many = Array.from({ length: 2_500 }, (_, i) => bookingOf(`m${i}`, { employeeId: `e${i}` }))
      await book(backend, 'acme', ...many)
      const ids = many.map(({ employeeId }) => employeeId)
      assert.equal((await bookings(backend, 'acme', ids)).length, 2_500)
      assert.equal(
        (
          await takenOver(
            backend,
            'acme',
            many.map(({ correction }) => correction),
          )
        ).length,
        2_500,
      )
      const hostile = HOSTILE_STRINGS.map((text, i) =>
        bookingOf(`h${i}`, { employeeId: text, stage: text, taken: { [text]: 1 }, actor: text }),
      )
      for (const one of hostile) {
        await book(backend, one.stage, one)
        assert.deepEqual(await bookings(backend, one.stage, [one.employeeId]), [one])
      }
    },
  },
]

/** What a backend must do that remembers corrections; one that does not promises nothing of it. */
export const correctionCases: readonly ConformanceCase[] = cases.map(({ name, run }) => ({
  name,
  async run({ backend }) {
    if (remembers(backend)) await run(backend)
  },
}))

function remembers<Tx>(backend: RecalcBackend<Tx>): backend is CorrectionBackend<Tx> {
  return backend.corrections !== undefined
}

function bookingOf(correction: string, more: Partial<Booking> = {}): Booking {
  const date = parseIsoDate('2025-01-10', 'date')
  return {
    ...{ employeeId: '1', stage: 'days', date, through: date, correction, replaces: null },
    ...{ taken: { '': 1 }, right: 'digest', at: 1_000, actor: null },
    ...more,
  }
}

async function book<Tx>(
  { unitOfWork, corrections }: CorrectionBackend<Tx>,
  tenantId: string,
  ...booked: readonly Booking[]
): Promise<void> {
  const afterCommit = await unitOfWork.run((tx) => corrections.book(tx, tenantId, booked))
  afterCommit?.()
}

async function bookings<Tx>(
  { unitOfWork, corrections }: CorrectionBackend<Tx>,
  tenantId: string,
  employeeIds: readonly string[],
  from: string = JANUARY.from,
  to: string = JANUARY.to,
): Promise<readonly Booking[]> {
  const query = { tenantId, employeeIds, from: parseIsoDate(from, 'from'), to: parseIsoDate(to, 'to') }
  const found = await unitOfWork.run((tx) => corrections.bookings(tx, query))
  return found.toSorted((a, b) => (a.correction < b.correction ? -1 : 1))
}

async function takenOver<Tx>(
  { unitOfWork, corrections }: CorrectionBackend<Tx>,
  tenantId: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  return [...(await unitOfWork.run((tx) => corrections.takenOver(tx, tenantId, ids)))].sort()
}
