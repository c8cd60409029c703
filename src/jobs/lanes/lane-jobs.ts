import type { Selection } from '../../pipeline/selection.ts'
import type { ActiveRun } from '../../run/active-run.ts'
import { beginRun } from '../../run/begin-run.ts'
import type { LaneJournal } from '../../run/journal.ts'
import type { RunPlan } from '../../run/plan/run-plan.ts'
import type { RunControl } from '../../run/run-control.ts'
import { OF_JOB } from '../../run/units/unit-slots.ts'
import type { JobRecord } from '../job-record.ts'
import type { JobSettings } from '../job-settings.ts'
import type { LanePointer } from './lane-store.ts'

/** The most jobs whose plans are remembered. */
const MOST_REMEMBERED = 32

/** The stages of a frozen plan; or in what the service's own differ from it. */
export type Select<Tx> = (plan: Pick<RunPlan, 'stages'>) => Selection<Tx> | { readonly difference: string }

/** A job of which this process calculates lanes, under one lease of its worker. */
export class LaneJob<Tx> {
  readonly #record: JobRecord
  readonly #settings: JobSettings<Tx>
  readonly #selection: Selection<Tx>
  #run: ActiveRun<Tx> | undefined

  constructor(record: JobRecord, settings: JobSettings<Tx>, selection: Selection<Tx>) {
    this.#record = record
    this.#settings = settings
    this.#selection = selection
  }

  /** What a lane is calculated with: its own control and journal, and what all lanes of the job share in this process. */
  begin(control: RunControl, journal: LaneJournal<Tx>): ActiveRun<Tx> {
    const { id, reason } = this.#record
    // Whose employees a job names is of interest only to whoever opens its lanes.
    const plan: RunPlan = { ...this.#record.plan, employeeIds: null }
    const { throttle } = this.#settings
    const selection = this.#selection
    const run = beginRun({
      id,
      jobId: id,
      reason,
      plan,
      selection,
      settings: this.#settings,
      control,
      journal,
      rank: OF_JOB,
      throttle,
    })
    this.#run ??= run
    const { calculator, eventLoop, marks } = this.#run
    return { ...run, calculator, eventLoop, marks }
  }
}

/** The jobs of which this process calculates lanes. What is read of one is its plan, which never changes. */
export class LaneJobs<Tx> {
  readonly #settings: JobSettings<Tx>
  readonly #select: Select<Tx>
  readonly #jobs = new Map<string, Promise<LaneJob<Tx> | 'foreign' | undefined>>()

  constructor(settings: JobSettings<Tx>, select: Select<Tx>) {
    this.#settings = settings
    this.#select = select
  }

  /** `foreign`: this service does not have its stages. Undefined: there is no such job. */
  of({ jobId, token }: LanePointer): Promise<LaneJob<Tx> | 'foreign' | undefined> {
    const key = `${token} ${jobId}`
    const known = this.#jobs.get(key)
    if (known) return known
    const job = this.#read(jobId)
    this.#jobs.set(key, job)
    // What could not be read, or is not there yet, is asked for again.
    job.then(
      (found) => found ?? this.#jobs.delete(key),
      () => this.#jobs.delete(key),
    )
    const [first] = this.#jobs.keys()
    if (this.#jobs.size > MOST_REMEMBERED && first !== undefined) this.#jobs.delete(first)
    return job
  }

  async #read(jobId: string): Promise<LaneJob<Tx> | 'foreign' | undefined> {
    const record = await this.#settings.jobs.get(jobId)
    if (!record) return undefined
    const selection = this.#select(record.plan)
    if (!('difference' in selection)) return new LaneJob(record, this.#settings, selection)
    const { difference } = selection
    this.#settings.logger.warn({ jobId, difference }, 'Lanes of a job are left to a service that has its stages')
    return 'foreign'
  }
}
