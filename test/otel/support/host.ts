import {
  type DayKey,
  type DayStage,
  dayKey,
  dayStage,
  memoryBackend,
  type RecalcBackend,
  RecalcService,
} from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { type ManualClock, manualClock } from 'recalc-service/testing'
import { onTestFinished } from 'vitest'
import { openSqlite } from '../../../examples/shared/database/sqlite.ts'
import { changedStore } from '../../jobs/support/changed-store.ts'
import { observer } from './observer.ts'

/** The backends on which everything must be seen. */
export const backends: readonly (readonly [name: string, open: () => Promise<RecalcBackend<unknown>>])[] = [
  ['memory', async () => memoryBackend() as RecalcBackend<unknown>],
  [
    'SQLite',
    async () => {
      const db = openSqlite<Record<never, never>>(':memory:')
      onTestFinished(() => db.destroy())
      const backend = sqlBackend(db)
      await backend.migrate()
      return backend as unknown as RecalcBackend<unknown> // no stage of these tests uses its transaction
    },
  ],
]

export const JANUARY = { tenantId: 'acme', from: '2025-01-01', to: '2025-01-03' } as const

/** A transient error that only these tests know. */
class Deadlock extends Error {
  readonly code = 'TEST_DEADLOCK'
}

interface HostOptions {
  readonly hours?: (day: string) => number
  readonly load?: () => Promise<void>
  readonly closed?: boolean
  readonly clock?: ManualClock
  /** So many units of work fail first. */
  readonly deadlocks?: number
  readonly change?: Parameters<typeof changedStore<unknown, RecalcBackend<unknown>>>[1]
  readonly logger?: ConstructorParameters<typeof RecalcService>[0]['logger']
}

/** A service of two employees that is observed. */
export async function host(open: () => Promise<RecalcBackend<unknown>>, options: HostOptions = {}) {
  const { hours = () => 8, load = async () => {}, deadlocks = 0, clock = manualClock({ start: Date.now() }) } = options
  const table = new Map<DayKey, number>()
  const stage: DayStage<unknown> = dayStage<number, undefined, unknown>({
    name: 'hours',
    reads: { bookings: [0, 0] },
    writes: ['hours'],
    async load() {
      await load()
      return undefined
    },
    calculate: ({ employeeId, date }) => hours(`${employeeId} ${date}`),
    stored: async ({ employeeIds, dates }) =>
      new Map(
        [...table].filter(([key]) =>
          employeeIds.some((id) => dates.some((date) => dayKey({ employeeId: id, date }) === key)),
        ),
      ),
    async save({ upserts }) {
      for (const { day, value } of upserts) table.set(dayKey(day), value)
    },
  })
  const whole = await open()
  const { unitOfWork } = whole
  let left = deadlocks
  const backend: RecalcBackend<unknown> = {
    ...whole,
    ...changedStore(whole, options.change ?? (() => ({}))),
    unitOfWork: {
      async run(work, unit) {
        if (left-- > 0) throw new Deadlock('deadlock found')
        return await unitOfWork.run(work, unit)
      },
      lockEmployees: (tx, tenantId, ids) => unitOfWork.lockEmployees(tx, tenantId, ids),
      isTransient: (error) => error instanceof Deadlock || unitOfWork.isTransient(error),
      ...(unitOfWork.failureOf && { failureOf: (tx: unknown) => unitOfWork.failureOf?.(tx) }),
    },
  }
  const observed = observer()
  const recalc = new RecalcService<unknown>({
    backend,
    clock,
    stages: [stage],
    telemetry: observed.telemetry,
    retry: { attempts: 3, minDelayMs: 0, maxDelayMs: 0 },
    employees: {
      async listEmployees({ after = '', limit }) {
        return [{ id: 'ada' }, { id: 'bob' }].filter(({ id }) => id > after).slice(0, limit)
      },
    },
    ...(options.closed && { closedPeriods: { closedThrough: async () => new Map([['ada', '2025-01-02']]) } }),
    ...(options.logger && { logger: options.logger }),
  })
  onTestFinished(() => recalc.stop())
  /** Notes a change in a transaction of its own. */
  const note = (employeeId: string, date: string) =>
    whole.unitOfWork.run(async (tx) => {
      await recalc.noteChange(tx, { tenantId: 'acme', employeeId, table: 'bookings', dates: { from: date, to: date } })
    })
  return { recalc, clock, note, ...observed }
}
