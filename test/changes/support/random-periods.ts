import fc from 'fast-check'
import { toEpochDay } from '../../../src/calendar/epoch-day.ts'
import {
  addDays,
  type DateInterval,
  type DayOffsets,
  type EmployeePeriod,
  type IsoDate,
  type PeriodBlock,
  type PeriodKind,
  type PeriodReads,
  type PeriodStage,
  periodKey,
  periodOf,
  periodStage,
} from '../../../src/index.ts'
import { type ModelStage, type PeriodReader, SOURCES } from './random-pipeline.ts'
import type { TablesTx } from './tables.ts'

/** A period stage as a model: its rows stand on the first days of the periods. */
export interface ModelPeriod {
  readonly name: string
  readonly kind: keyof typeof KINDS
  readonly sources: Readonly<Record<string, PeriodReads>>
  /** Day stages that it reads, by their place. */
  readonly days: readonly { readonly place: number; readonly reads: PeriodReads }[]
  /** Earlier period stages that it reads, by their place. */
  readonly periods: readonly number[]
  readonly carries: boolean
  readonly isNarrow: boolean
  readonly modulo: number
  readonly noneAt: number
  readonly hasStored: boolean
  /** Day stages that read earlier periods of it, by their place. */
  readonly readers: readonly { readonly place: number; readonly offsets: DayOffsets }[]
}

/** Ten days long, but for those that end with the month. */
const tenDays = {
  startOf: (date: IsoDate) => `${date.slice(0, 8)}${['01', '11', '21'][third(date)]}` as IsoDate,
  endOf: (date: IsoDate) =>
    third(date) === 2 ? periodOf('month', date).to : (`${date.slice(0, 8)}${['10', '20'][third(date)]}` as IsoDate),
}

function third(date: IsoDate): number {
  return Math.min(2, Math.floor((Number(date.slice(8)) - 1) / 10))
}

export const KINDS = { month: 'month', week: 'week', tenDays } as const satisfies Record<string, PeriodKind>

const past = fc.constantFrom<PeriodReads>('period', [0, 0], [-1, 0], [-2, -1])
const any = fc.constantFrom<PeriodReads>('period', [-1, 0], [0, 1], [-1, 1])

/** Period stages behind some day stages. */
export function periodsBehind(days: readonly ModelStage[]): fc.Arbitrary<readonly ModelPeriod[]> {
  return fc
    .array(
      fc.record({
        kind: fc.constantFrom('month' as const, 'week' as const, 'tenDays' as const),
        a: fc.option(any, { nil: undefined }),
        reads: fc.array(fc.record({ place: fc.nat(Math.max(0, days.length - 1)), reads: past }), { maxLength: 2 }),
        periods: fc.uniqueArray(fc.nat(1), { maxLength: 1 }),
        carries: fc.boolean(),
        isNarrow: fc.boolean(),
        modulo: fc.constantFrom(2, 5, 1_000),
        noneAt: fc.constantFrom(3, 7, 1_001),
        hasStored: fc.boolean(),
        readers: fc.array(
          fc.record({
            place: fc.nat(Math.max(0, days.length - 1)),
            offsets: fc.constantFrom<DayOffsets>([-1, -1], [-2, -1], [-2, -2]),
          }),
          { maxLength: 1 },
        ),
      }),
      { maxLength: 2 },
    )
    .map((drafts) =>
      drafts.map(({ a, reads, periods, carries, hasStored, ...rest }, place) => ({
        ...rest,
        name: `p${place}`,
        sources: { ...(a && { [SOURCES[0]]: a }) },
        days: [...new Map(reads.map((read) => [read.place, read])).values()],
        periods: periods.filter((earlier) => earlier < place && drafts[earlier]?.kind === rest.kind),
        carries,
        hasStored: hasStored || carries,
      })),
    )
}

/** The stages of a model, on the tests' database. */
export function periodStagesOf(
  model: readonly ModelPeriod[],
  calculating: (period: EmployeePeriod) => void,
): PeriodStage<TablesTx>[] {
  return model.map((stage) => {
    const { name } = stage
    const kind = KINDS[stage.kind]
    const reads: Record<string, PeriodReads> = {
      ...stage.sources,
      ...Object.fromEntries(stage.days.map((read) => [`s${read.place}`, read.reads])),
      ...Object.fromEntries(stage.periods.map((place) => [`p${place}`, 'period' as const])),
      ...(stage.carries && { [name]: [-1, 0] as const }),
    }
    const carried = (value: number) => (stage.isNarrow ? value % 2 : value)
    return periodStage<number, TablesTx, TablesTx>({
      name,
      period: kind,
      reads,
      writes: [name],
      load: async (_block, { tx }) => tx,
      calculate(period, tx, previous) {
        calculating(period)
        let sum = 1 + (previous === null ? 0 : carried(previous))
        for (const [table, own] of Object.entries(reads)) {
          if (table === name) continue
          const { from, to } = windowOf(kind, period, own)
          const read = tx.reader(table, period.employeeId)
          for (let day = toEpochDay(from); day <= toEpochDay(to); day++) sum += (read(day) ?? 0) * (1 + (day % 5))
        }
        const value = sum % stage.modulo
        return value % stage.noneAt === 0 ? null : value
      },
      ...(stage.isNarrow && { carries: carried }),
      ...(stage.hasStored && {
        stored: async (block: PeriodBlock, { tx }: { readonly tx: TablesTx }) => storedOf(tx, name, block),
      }),
      async save({ upserts, deletes }, { tx }) {
        for (const { period, value } of upserts) tx.write(name, period.employeeId, toEpochDay(period.from), value)
        for (const period of deletes) tx.write(name, period.employeeId, toEpochDay(period.from), undefined)
      },
    })
  })
}

/** How the day stage at a place reads the periods of a model: what they hand on, as a narrow one hands on less than its value. */
export function periodsReadBy(model: readonly ModelPeriod[]): (place: number) => readonly PeriodReader[] {
  return (place) =>
    model.flatMap(({ name, kind, readers, isNarrow }) =>
      readers
        .filter((reader) => reader.place === place)
        .map(({ offsets }) => ({
          table: name,
          offsets,
          seen(tx, { employeeId, date, tenantId }) {
            const own = { ...periodOf(KINDS[kind], date), employeeId, tenantId }
            const { from, to } = windowOf(KINDS[kind], own, offsets)
            let sum = 0
            for (let day = toEpochDay(from); day <= toEpochDay(to); day++) {
              const value = tx.read(name, employeeId, day)
              if (value !== undefined) sum += 1 + (isNarrow ? value % 2 : value)
            }
            return sum
          },
        })),
    )
}

/** From the first to the last day that a period reads of a table. */
function windowOf(kind: PeriodKind, period: EmployeePeriod, reads: PeriodReads): DateInterval {
  const [first, last] = reads === 'period' ? [0, 0] : reads
  let begin: DateInterval = period
  let end: DateInterval = period
  for (let i = 0; i < Math.abs(first); i++) begin = first < 0 ? before(kind, begin) : behind(kind, begin)
  for (let i = 0; i < Math.abs(last); i++) end = last < 0 ? before(kind, end) : behind(kind, end)
  return { from: begin.from, to: end.to }
}

const before = (kind: PeriodKind, { from }: DateInterval) => periodOf(kind, addDays(from, -1))
const behind = (kind: PeriodKind, { to }: DateInterval) => periodOf(kind, addDays(to, 1))

function storedOf(tx: TablesTx, table: string, { employeeIds, periods }: PeriodBlock) {
  const rows = employeeIds.flatMap((employeeId) =>
    periods.flatMap(({ from }) => {
      const value = tx.read(table, employeeId, toEpochDay(from))
      return value === undefined ? [] : [[periodKey({ employeeId, from }), value] as const]
    }),
  )
  return new Map(rows)
}
