import fc from 'fast-check'
import { fromEpochDay, toEpochDay } from '../../../src/calendar/epoch-day.ts'
import {
  type Block,
  type DayKey,
  type DayOffsets,
  type DayStage,
  dayKey,
  dayStage,
  type EmployeeDay,
  type IsoDate,
} from '../../../src/index.ts'
import type { TablesTx } from './tables.ts'

/** A stage as a model: what it reads, and how its value follows from that. */
export interface ModelStage {
  readonly name: string
  readonly sources: Readonly<Record<string, DayOffsets>>
  /** Earlier stages that it reads, by their place. */
  readonly stages: readonly { readonly place: number; readonly offsets: DayOffsets }[]
  readonly carries: boolean
  /** Later days see only whether its values are odd. */
  readonly isNarrow: boolean
  readonly mode: 'restart' | 'latest'
  /** Small: values often stay the same although what they are made of is different. */
  readonly modulo: number
  /** Values that are a multiple of it are no row. */
  readonly noneAt: number
  readonly hasStored: boolean
  readonly factor: number
}

/** How a day stage reads earlier periods of a period stage, and what it sees of them. */
export interface PeriodReader {
  readonly table: string
  readonly offsets: DayOffsets
  /** What the day sees of the periods, in which row ever. */
  seen(tx: TablesTx, day: EmployeeDay): number
}

const readsNone = (): readonly PeriodReader[] => []

export const SOURCES = ['a', 'b'] as const

const offset = fc.integer({ min: -30, max: 30 })
const anyOffsets = fc.tuple(offset, offset).map(([x, y]) => [Math.min(x, y), Math.max(x, y)] as const)
const pastOffsets = fc
  .tuple(fc.integer({ min: -30, max: 0 }), fc.integer({ min: -30, max: 0 }))
  .map(([x, y]) => [Math.min(x, y), Math.max(x, y)] as const)

export const pipelines: fc.Arbitrary<readonly ModelStage[]> = fc
  .array(
    fc.record({
      a: fc.option(fc.oneof(fc.constant([0, 0] as const), anyOffsets), { nil: undefined }),
      b: fc.option(anyOffsets, { nil: undefined }),
      reads: fc.array(fc.record({ place: fc.nat(4), offsets: fc.oneof(fc.constant([0, 0] as const), pastOffsets) }), {
        maxLength: 2,
      }),
      carries: fc.boolean(),
      isNarrow: fc.boolean(),
      mode: fc.constantFrom('restart', 'latest'),
      modulo: fc.constantFrom(2, 3, 5, 1_000),
      noneAt: fc.constantFrom(2, 3, 7, 1_001),
      hasStored: fc.boolean(),
      factor: fc.integer({ min: 1, max: 9 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((drafts) =>
    drafts.map(({ a, b, reads, carries, mode, hasStored, ...rest }, place) => {
      const stages = [...new Map(reads.filter((read) => read.place < place).map((read) => [read.place, read])).values()]
      const sources = { ...((a || stages.length === 0) && { a: a ?? ([0, 0] as const) }), ...(b && { b }) }
      return { ...rest, name: `s${place}`, sources, stages, carries, mode, hasStored: hasStored || carries }
    }),
  )

interface Inputs {
  readonly tx: TablesTx
  /** By stage. */
  readonly values: ReadonlyMap<string, ReadonlyMap<DayKey, number | null>>
}

/** Called for every calculation. */
export type Calculated = (stage: string, day: EmployeeDay) => void

/** The stages of a model, on the tests' database. */
export function stagesOf(
  model: readonly ModelStage[],
  calculated: Calculated = () => {},
  periodsReadBy: (place: number) => readonly PeriodReader[] = readsNone,
): DayStage<TablesTx>[] {
  return model.map((stage, place) => {
    const periods = periodsReadBy(place)
    const reads: Record<string, DayOffsets> = {
      ...stage.sources,
      ...Object.fromEntries(stage.stages.map(({ place, offsets }) => [`s${place}`, offsets])),
      ...(stage.carries && { [stage.name]: [-1, 0] as const }),
    }
    return dayStage<number, Inputs, TablesTx>({
      name: stage.name,
      reads: { ...reads, ...Object.fromEntries(periods.map(({ table, offsets }) => [table, offsets])) },
      writes: [stage.name],
      // What is calculated in this block comes from there; whatever else from the table.
      load: async (_block, { tx, valuesOf }) => ({
        tx,
        values: new Map(stage.stages.map(({ place }) => [`s${place}`, valuesOf<number>({ name: `s${place}` })])),
      }),
      calculate(day, { tx, values }, previous) {
        calculated(stage.name, day)
        const today = toEpochDay(day.date)
        const seen = (one: number, isLater: boolean, { isNarrow }: ModelStage) => (isLater && isNarrow ? one % 2 : one)
        let sum = stage.factor + seen(previous ?? 0, true, stage)
        for (const period of periods) sum += period.seen(tx, day)
        for (const [table, [first, last]] of Object.entries(reads)) {
          if (table === stage.name) continue
          const read = tx.reader(table, day.employeeId)
          const writer = model.find(({ name }) => name === table)
          for (let at = first; at <= last; at++) {
            const key = dayKey({ employeeId: day.employeeId, date: fromEpochDay(today + at) })
            const calculated = values.get(table)
            const row = calculated?.has(key) ? (calculated.get(key) ?? undefined) : read(today + at)
            if (row === undefined) continue
            sum += (writer ? seen(row, at < 0, writer) : row) * (stage.factor + at + 31)
          }
        }
        const value = sum % stage.modulo
        return value % stage.noneAt === 0 ? null : value
      },
      ...(stage.isNarrow && { carries: (value: number) => value % 2 }),
      ...(stage.hasStored && {
        stored: async (block: Block, { tx }: { readonly tx: TablesTx }) => storedOf(tx, stage.name, block),
      }),
      ...(stage.carries &&
        stage.mode === 'latest' && {
          previousMissing: 'latest' as const,
          latest: async (query: Parameters<typeof latestOf>[2], { tx }: { readonly tx: TablesTx }) =>
            latestOf(tx, stage.name, query),
        }),
      async save({ upserts, deletes }, { tx }) {
        for (const { day, value } of upserts) tx.write(stage.name, day.employeeId, toEpochDay(day.date), value)
        for (const day of deletes) tx.write(stage.name, day.employeeId, toEpochDay(day.date), undefined)
      },
    })
  })
}

function storedOf(tx: TablesTx, table: string, { employeeIds, dates }: Block) {
  const rows = employeeIds.flatMap((employeeId) =>
    dates.flatMap((date) => {
      const value = tx.read(table, employeeId, toEpochDay(date))
      return value === undefined ? [] : [[dayKey({ employeeId, date }), value] as const]
    }),
  )
  return new Map(rows)
}

function latestOf(
  tx: TablesTx,
  table: string,
  { employeeIds, before }: { readonly employeeIds: readonly string[]; readonly before: IsoDate },
) {
  const found = employeeIds.flatMap((id) => {
    const value = tx.latest(table, id, toEpochDay(before))
    return value === undefined ? [] : [[id, value] as const]
  })
  return new Map(found)
}
