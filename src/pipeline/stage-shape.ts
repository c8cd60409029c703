import type { PeriodReads } from './period-stage.ts'
import type { DailyCalc, Stage } from './stages.ts'

/** The name under which a `dailyCalc` appears in plans, errors and events. */
export const DAILY_CALC = 'dailyCalc'

/**
 * What a run must know of a stage to be resumed, as it was when the run was made. Frozen in the plan: a service whose
 * stages have other shapes does not resume the run.
 */
export interface StageShape {
  /** `unrecorded`: the job was made by a release that recorded nothing but the name. */
  readonly kind: 'daily' | Stage['kind'] | 'unrecorded'
  /** The name of the stage. */
  readonly name: string
  /** False for a stage that is calculated only because another one builds on it. */
  readonly saves: boolean
  /** Table → the days read, such as `[-1, 0]`; `null` where a stage reads a table as a whole. */
  readonly reads: Readonly<Record<string, string | null>>
  /** The tables that it writes. */
  readonly writes: readonly string[]
  /** It builds on its own value of the day, or period, before. */
  readonly carries: boolean
  /** The most dates of one block of a `dailyCalc`; `null` for stages. */
  readonly blockDays: number | null
}

/** The shape of a stage in a run. */
export function shapeOfStage(
  stage: Stage<never>,
  how: { readonly saves: boolean; readonly carries: boolean },
): StageShape {
  const { kind, name, writes } = stage
  const reads =
    stage.kind === 'tenant' ? Object.fromEntries(stage.reads.map((table) => [table, null])) : offsetsAsText(stage.reads)
  return { kind, name, ...how, reads, writes, blockDays: null }
}

/** The shape of a `dailyCalc` in a run; it calculates at most `blockDays` dates at once, one without `load`. */
export function shapeOfDailyCalc({ reads = {}, load }: DailyCalc<never>, blockDays: number): StageShape {
  return {
    kind: 'daily',
    name: DAILY_CALC,
    saves: true,
    reads: offsetsAsText(reads),
    writes: [],
    carries: false,
    blockDays: load ? blockDays : 1,
  }
}

/**
 * In what today's stages differ from the frozen ones, in words; undefined when they are the same. The order in which a host
 * lists stages does not matter: the run keeps the one that was frozen.
 */
export function differenceOf(frozen: readonly StageShape[], present: readonly StageShape[]): string | undefined {
  const unknown = new Map(present.map((shape) => [shape.name, shape]))
  for (const then of frozen) {
    const now = unknown.get(then.name)
    unknown.delete(then.name)
    if (!now) return `it has no stage "${then.name}"`
    if (then.kind === 'unrecorded') continue
    const difference = DIFFERENCES.find(([, of]) => of(then) !== of(now))
    if (difference) {
      const [what, of] = difference
      return `stage "${then.name}" ${what} ${of(now)}, but ${of(then)} when the job was made`
    }
  }
  const [added] = unknown.values()
  const isComplete = frozen.every(({ kind }) => kind !== 'unrecorded')
  return added && isComplete ? `stage "${added.name}" takes part in it now` : undefined
}

const DIFFERENCES: readonly (readonly [what: string, of: (shape: StageShape) => string])[] = [
  ['is of kind', ({ kind }) => kind],
  ['reads', ({ reads }) => listed(Object.entries(reads).map(([table, days]) => (days ? `${table} ${days}` : table)))],
  ['writes', ({ writes }) => listed(writes)],
  ['saves', ({ saves }) => (saves ? 'its values' : 'nothing')],
  ['carries', ({ carries }) => (carries ? 'values on' : 'nothing')],
  ['calculates at most', ({ blockDays }) => (blockDays === null ? 'a block' : `${blockDays} days`)],
]

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.toSorted().join(', ')
}

function offsetsAsText(reads: Readonly<Record<string, PeriodReads>>): Readonly<Record<string, string>> {
  const asText = (days: PeriodReads) => (days === 'period' ? days : `[${days[0]}, ${days[1]}]`)
  return Object.fromEntries(Object.entries(reads).map(([table, days]) => [table, asText(days)]))
}
