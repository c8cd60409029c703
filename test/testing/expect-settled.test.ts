import { expect, test } from 'vitest'
import { dayStage, memoryBackend, RecalcService } from '../../src/index.ts'
import { expectSettled, manualClock } from '../../src/testing/index.ts'
import { Tables, type TablesTx } from '../changes/support/tables.ts'

const FULL = { tenantId: 'acme', employeeIds: ['ann'], from: '2025-01-01', to: '2025-01-31' }
const EDITED = 20_100

function serviceOn(tables: Tables, reads: Readonly<Record<string, readonly [number, number]>>) {
  const stage = dayStage<number, TablesTx, TablesTx>({
    name: 'doubled',
    reads,
    writes: ['doubled'],
    load: async (_block, { tx }) => tx,
    calculate: ({ date }, tx) =>
      (tx.read('hours', 'ann', dayOf(date)) ?? 0) + (tx.read('hours', 'ann', dayOf(date) - 1) ?? 0),
    stored: async ({ dates }, { tx }) =>
      new Map(
        dates.flatMap((date) => {
          const value = tx.read('doubled', 'ann', dayOf(date))
          return value === undefined ? [] : [[`${date}/ann` as never, value] as const]
        }),
      ),
    async save({ upserts }, { tx }) {
      for (const { day, value } of upserts) tx.write('doubled', 'ann', dayOf(day.date), value)
    },
  })
  return new RecalcService<TablesTx>({
    stages: [stage],
    backend: memoryBackend({ unitOfWork: tables.unitOfWork() }),
    employees: { listEmployees: async () => [] },
    clock: manualClock({ start: '2025-01-31' }),
  })
}

async function editOneDay(recalc: RecalcService<TablesTx>, tables: Tables): Promise<void> {
  await recalc.triggerRecalcBatch(FULL)
  tables.edit('hours', 'ann', EDITED, 8)
  const at = [new Date(EDITED * 86_400_000)]
  await recalc.noteChange(undefined as unknown as TablesTx, { tenantId: 'acme', employeeId: 'ann', table: 'hours', at })
}

test('stages that read what they say pass', async () => {
  const tables = new Tables()
  const recalc = serviceOn(tables, { hours: [-1, 0] })
  await editOneDay(recalc, tables)
  await expectSettled(recalc, FULL)
})

test('a stage that reads more than it says is found out', async () => {
  const tables = new Tables()
  const recalc = serviceOn(tables, { hours: [0, 0] })
  await editOneDay(recalc, tables)
  await expect(expectSettled(recalc, FULL)).rejects.toThrow('changed 1 of 31 days')
})

test('an edit that was not noted is found out', async () => {
  const tables = new Tables()
  const recalc = serviceOn(tables, { hours: [-1, 0] })
  await editOneDay(recalc, tables)
  tables.edit('hours', 'ann', EDITED + 5, 8)
  await expect(expectSettled(recalc, FULL)).rejects.toThrow('changed 2 of 31 days')
})

function dayOf(date: string): number {
  return Date.parse(date) / 86_400_000
}
