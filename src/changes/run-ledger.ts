import { toEpochDay } from '../calendar/epoch-day.ts'
import { MIDNIGHT } from '../calendar/start-time.ts'
import { tenantReaders } from '../pipeline/affected-days.ts'
import type { BlockDays } from '../run/blocks/block-days.ts'
import type { BlockChanges, BlockLedger, LedgerRun } from '../run/blocks/block-ledger.ts'
import { reachesLaterDays } from '../run/blocks/cascade.ts'
import type { AfterCommit } from '../run/journal.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import type { NewChange } from './change-ledger.ts'
import type { ChangesSettings } from './changes-settings.ts'
import { horizonAt } from './dirty-days.ts'
import { LaneChanges } from './lane-changes.ts'
import { NewNotes } from './new-notes.ts'
import { notedOf } from './noted-of.ts'

const NO_PERIODS = { processed: 0, unchanged: 0 }

/** A run that has not got to its tenant stages after so long is taken for dead. Whoever settles the tenant does not wait for that. */
const UNFINISHED_AFTER_MS = 600_000

const UNFINISHED_RUN = { code: 'UNFINISHED_RUN', message: 'A run has changed days and not run it yet' }

/** The most notes of a tenant stage that are removed at once; what is left makes it run once more. */
const STAGE_NOTES = 1_000

interface RunExtent {
  /** It settles what was noted of its days. */
  readonly isWhole: boolean
  /** Behind its blocks there is something to do that it does not do itself. */
  readonly leavesSomething: boolean
}

/**
 * The ledger as runs meet it: a synchronous trigger or a job takes the changes of the days that it calculates with it, and
 * notes what follows from them behind the days that it was asked for. Where nothing was noted, nothing follows: a run does
 * what it was asked for.
 */
export class RunLedger<Tx> implements BlockLedger<Tx> {
  readonly #settings: ChangesSettings<Tx>
  /** A value may be seen by days, or periods, behind a block. */
  readonly #reachesBehind: boolean
  readonly #extents = new WeakMap<RunPlan, RunExtent>()
  readonly #isEmpty: (() => boolean) | undefined

  constructor(settings: ChangesSettings<Tx>) {
    const { dayStages, periodStages } = settings.wholePass
    const { changes } = settings
    this.#settings = settings
    this.#isEmpty = changes.isEmpty?.bind(changes)
    this.#reachesBehind = periodStages.length > 0 || reachesLaterDays(dayStages.map(({ stage }) => stage))
  }

  take(tx: Tx, days: BlockDays, run: LedgerRun): Promise<BlockChanges | undefined> | undefined {
    const { isWhole, leavesSomething } = this.#extentOf(run.plan)
    // Changes may come while the block is calculated, and be in its values already.
    if (!leavesSomething && (!isWhole || this.#isEmpty?.())) return undefined
    if (isWhole) return this.#take(tx, days, run)
    return Promise.resolve(this.#leave(tx, days, run))
  }

  /** What a run does of all that the service would do; found out once for all of its blocks. */
  #extentOf(plan: RunPlan): RunExtent {
    let extent = this.#extents.get(plan)
    if (!extent) {
      extent = { isWhole: this.#isWhole(plan), leavesSomething: this.#leavesSomething(plan) }
      this.#extents.set(plan, extent)
    }
    return extent
  }

  async #take(tx: Tx, days: BlockDays, { plan, calendar }: LedgerRun): Promise<BlockChanges | undefined> {
    const { tenantId, zone } = plan
    const { employeeZones } = calendar
    const { employeeIds } = days.block
    const changes = await LaneChanges.take(this.#settings, tx, { tenantId, employeeIds, zone, employeeZones })
    if (changes.hasNone && !this.#reachesBehind) return undefined
    changes.open(days)
    const cascade = changes.cascadeOf(days)
    return { cascade, settle: () => changes.settle({ days, cascade }, true) }
  }

  /**
   * A run of only some stages leaves changes to others. They compare with what it has saved, and would find nothing different
   * behind its days: so all of these are noted.
   */
  #leave(tx: Tx, days: BlockDays, { plan }: LedgerRun): BlockChanges {
    const { tenantId, zone, dayStartsAt: startsAt = MIDNIGHT } = plan
    const { clock, horizon, changes, pipeline } = this.#settings
    const { employeeIds, from, to } = days.block
    return {
      cascade: undefined,
      settle: async (changed) => {
        const { processed, unchanged } = days.periods ?? NO_PERIODS
        if (changed === 0 && processed === unchanged) return undefined
        const noted = await notedOf(this.#settings, tx, tenantId, employeeIds)
        if (noted.size === 0) return undefined
        const { last } = horizonAt(clock.now(), { zone, dayStart: { startsAt } }, horizon)
        const span = { first: toEpochDay(from), last: Math.max(toEpochDay(to), last) }
        const notes = new NewNotes(tenantId, clock, new Map())
        const behind = this.#reachesBehind ? [undefined, ...pipeline.periodStages] : []
        return await changes.update(tx, {
          remove: [],
          // Periods and tenant stages would find no day different that this run has saved.
          add: [
            ...[...noted].flatMap((employeeId) =>
              behind.map((stage) => notes.waiting({ employeeId, stage: stage?.name, span })),
            ),
            ...this.#readersOf(plan).map((stage) => notes.stage(stage, [span.first, span.last])),
          ],
        })
      },
    }
  }

  markTenantStages(tx: Tx, { tenantId, stages, from, to }: RunPlan): Promise<AfterCommit | undefined> | undefined {
    const { changes, clock } = this.#settings
    const now = clock.now()
    const days = [toEpochDay(from), toEpochDay(to)] as const
    const add = stages
      .filter(({ kind }) => kind === 'tenant')
      .map(({ name }): NewChange => {
        const content = { stage: name, days }
        const about = { tenantId, employeeId: null, content, attempts: 0, error: UNFINISHED_RUN }
        return { ...about, state: 'failing', notedAt: now, dueAt: now + UNFINISHED_AFTER_MS }
      })
    return add.length === 0 ? undefined : changes.update(tx, { remove: [], add })
  }

  async takeTenantStage(tx: Tx, tenantId: string, stage: string): Promise<AfterCommit | undefined> {
    const { changes } = this.#settings
    const states = ['waiting', 'failing'] as const
    const noted = await changes.read(tx, tenantId, { employeeIds: [null], states, limit: STAGE_NOTES })
    const remove = noted.filter(({ content }) => 'stage' in content && content.stage === stage).map(({ id }) => id)
    return remove.length === 0 ? undefined : await changes.update(tx, { remove, add: [] })
  }

  /** Behind the blocks of a run there is something to do that the run itself does not do. */
  #leavesSomething(plan: RunPlan): boolean {
    if (this.#reachesBehind) return true
    const own = new Set(plan.stages.map(({ name }) => name))
    return this.#readersOf(plan).some((stage) => !own.has(stage))
  }

  /** The tenant stages of this service that read what a run saves. */
  #readersOf({ stages }: RunPlan): readonly string[] {
    const written = stages.filter(({ saves }) => saves).flatMap(({ writes }) => writes)
    return tenantReaders(this.#settings.pipeline, written)
  }

  /** A run of only some stages, or one that leaves rows behind, settles nothing. */
  #isWhole({ stages, clearExisting }: RunPlan): boolean {
    const saved = new Set(stages.filter(({ saves }) => saves).map(({ name }) => name))
    const { shapes } = this.#settings.wholePass
    return clearExisting && shapes.every(({ name, saves }) => !saves || saved.has(name))
  }
}
