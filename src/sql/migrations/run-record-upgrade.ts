import { countDays } from '../../calendar/date-range.ts'
import type { IsoDate } from '../../calendar/iso-date.ts'
import { DAILY_CALC, type StageShape } from '../../pipeline/stage-shape.ts'
import { asciiJson } from '../ascii-json.ts'
import type { CounterColumns } from '../job-rows.ts'
import type { FailuresTable, JobsTable, LanesTable } from '../tables.ts'

/** A job as the first release stored it. */
export interface OldJob
  extends Omit<
    JobsTable,
    'claim_id' | 'errors' | 'steps' | 'dispatched_through' | 'all_dispatched' | 'tenant_stages_done' | 'last_failure'
  > {
  admission_id: string
  handed_out: string
  all_handed_out: number
  lease_owner: string
}

/** A lane as the first release stored it; lane 0 was for work without a lane. */
export interface OldLane extends Omit<LanesTable, 'kind' | 'from_date' | 'to_date'> {
  tenant_stages_done: number
}

interface OldBody {
  readonly plan: { readonly from: IsoDate; readonly to: IsoDate; readonly stages: readonly string[] }
  readonly phases: readonly { readonly name: string }[]
  readonly result: { readonly errors: readonly OldFailure[] } | null
}

interface OldFailure {
  readonly employeeId: string | null
  readonly date: IsoDate | null
}

/**
 * A job of the first release on its way to the second. What that one did not write down is concluded:
 * - Where there are more failed days than failures, days build on each other, and a failure stands for all later days.
 * - Somebody who failed leaves an open lane, and everything up to the last date counts as failed. Where days may be on their
 *   own, this is done only with a failure on the last date that the lane has reached: it is right in both cases.
 */
export class JobUpgrade {
  readonly #job: OldJob
  readonly #body: OldBody
  readonly #lanes: readonly OldLane[]
  readonly #open = new Map<string, OldLane>()
  readonly #failedEmployees = new Set<string>()
  readonly #daysBuildOnEarlier: boolean
  #daysGivenUp = 0

  constructor(job: OldJob, lanes: readonly OldLane[], failuresOfDays: number) {
    this.#job = job
    this.#body = JSON.parse(job.body) as OldBody // as the first release stored it
    this.#lanes = lanes
    const failedDays = lanes.reduce((sum, lane) => sum + Number(lane.failed_days), Number(job.failed_days))
    this.#daysBuildOnEarlier = failedDays !== failuresOfDays
    for (const lane of lanes) {
      if (Number(lane.lane_id) === 0 || Number(lane.finished) === 1) continue
      for (const id of idsOf(lane)) this.#open.set(id, lane)
    }
  }

  /** To be called for each failure before lanes and job are asked for. */
  failure({ body, job_id, number, failure_hash, employee_hash }: FailuresTable): FailuresTable {
    const failure = JSON.parse(body) as OldFailure // as the first release stored it
    const through = this.#throughOf(failure)
    const upgraded = asciiJson({ ...failure, through })
    return { job_id, number: Number(number), failure_hash, employee_hash, body: upgraded }
  }

  #throughOf({ employeeId, date }: OldFailure): IsoDate | null {
    const { from, to } = this.#body.plan
    if (employeeId === null || date === null) return null
    const lane = this.#open.get(employeeId)
    if (!lane) return this.#daysBuildOnEarlier ? to : date
    const reached = Number(lane.dates_done)
    if (!this.#daysBuildOnEarlier && countDays(from, date) !== reached) return date
    this.#failedEmployees.add(employeeId)
    this.#daysGivenUp += countDays(from, to) - reached
    return to
  }

  lanes(): readonly LanesTable[] {
    const { from, to } = this.#body.plan
    return this.#lanes
      .filter(({ lane_id }) => Number(lane_id) !== 0)
      .map(({ tenant_stages_done: _, ...lane }) => {
        const left = idsOf(lane).filter((id) => !this.#failedEmployees.has(id))
        const wasOpen = Number(lane.finished) === 0
        return {
          ...lane,
          kind: 'initial',
          from_date: from,
          to_date: to,
          employee_ids: asciiJson(wasOpen ? left : idsOf(lane)),
          finished: wasOpen && left.length > 0 ? 0 : 1,
        }
      })
  }

  job(lastFailure: number): JobsTable {
    const { admission_id, handed_out, all_handed_out, lease_owner: _, ...job } = this.#job
    const rest = this.#lanes.find(({ lane_id }) => Number(lane_id) === 0)
    const sum = (column: keyof CounterColumns) => Number(job[column]) + Number(rest?.[column] ?? 0)
    const { plan, result, ...body } = this.#body
    const stages = (plan.stages.length > 0 ? plan.stages : [DAILY_CALC]).map(unrecorded)
    return {
      ...job,
      claim_id: admission_id,
      body: asciiJson({ ...body, plan: { ...plan, stages }, result: result && { ...result, errors: undefined } }),
      errors: result && asciiJson(result.errors.map((error) => ({ ...error, through: this.#inResult(error) }))),
      processed_days: sum('processed_days'),
      unchanged_days: sum('unchanged_days'),
      skipped_days: sum('skipped_days'),
      failed_days: sum('failed_days') + this.#daysGivenUp,
      error_count: sum('error_count'),
      steps: 0,
      dispatched_through: asciiJson(JSON.parse(handed_out)),
      all_dispatched: Number(all_handed_out),
      tenant_stages_done: asciiJson(this.#tenantStages().slice(0, Number(rest?.tenant_stages_done ?? 0))),
      last_failure: lastFailure,
    }
  }

  /** In a result, which tells how its run ended. */
  #inResult({ date }: OldFailure): IsoDate | null {
    return date !== null && this.#daysBuildOnEarlier ? this.#body.plan.to : date
  }

  #tenantStages(): readonly string[] {
    const names = this.#body.phases.map(({ name }) => name)
    // Tenant stages come behind the pass. A run without one hands nobody out.
    return Number(this.#job.all_handed_out) === 1 ? names.slice(1) : names
  }
}

function idsOf({ employee_ids }: Pick<LanesTable, 'employee_ids'>): readonly string[] {
  return JSON.parse(employee_ids) as readonly string[] // as it was stored
}

function unrecorded(name: string): StageShape {
  return { kind: 'unrecorded', name, saves: true, carries: false, reads: {}, writes: [], blockDays: null }
}
