import type { JobEvent } from '../jobs/job-events.ts'
import { hasEnded, type JobRecord, type JobWithPlan } from '../jobs/job-record.ts'
import type { Lease } from '../jobs/job-store.ts'
import {
  type Checkpoint,
  type Dispatched,
  failureId,
  type LaneCheckpoint,
  type RecordedFailure,
  type Step,
  startOfRun,
} from '../run/checkpoint.ts'
import { count } from '../run/counters.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import { MemoryLanes } from './memory-lanes.ts'

/** Everything that is kept of one job. */
export class MemoryJob {
  record: JobRecord
  readonly plan: RunPlan
  lease: Lease & { expiresAt: number }
  /** Its place among those that wait; 0 when it does not wait. */
  queueOrder = 0
  readonly lanes = new MemoryLanes()
  readonly #events: JobEvent[] = []
  readonly #failures = new Map<string, RecordedFailure>()
  #checkpoint: Checkpoint = startOfRun
  #lastFailure = 0

  constructor(record: JobWithPlan, lease: Lease & { expiresAt: number }) {
    this.record = record
    this.plan = record.plan
    this.lease = lease
  }

  get isActive(): boolean {
    return !hasEnded(this.record.status)
  }

  /** Somebody works on it, or is about to. */
  get isHeld(): boolean {
    return this.isActive && this.queueOrder === 0
  }

  /** Which queue it waits in, if it does. */
  get queue(): string {
    const { scope, plan } = this.record
    return JSON.stringify(scope === null ? { tenant: plan.tenantId } : { scope })
  }

  get checkpoint(): Checkpoint {
    return { ...this.#checkpoint, openLanes: this.lanes.checkpoints }
  }

  get lastFailure(): number {
    return this.#lastFailure
  }

  events(page: { after: number; limit: number }): readonly JobEvent[] {
    const first = this.#events[0]
    if (!first) return []
    const start = Math.max(0, page.after + 1 - first.seq)
    return this.#events.slice(start, start + page.limit)
  }

  failures(page: { after: number; limit: number }): readonly RecordedFailure[] {
    const found: RecordedFailure[] = []
    for (const failure of this.#failures.values()) {
      if (found.length === page.limit) break
      if (failure.number > page.after) found.push(failure)
    }
    return found
  }

  failuresOf(employeeIds: ReadonlySet<string>): readonly RecordedFailure[] {
    return [...this.#failures.values()].filter(({ employeeId }) => employeeId !== null && employeeIds.has(employeeId))
  }

  addEvents(events: readonly JobEvent[], maxEvents: number): void {
    for (const event of events) this.#events.push(event)
    if (this.#events.length > maxEvents) this.#events.splice(0, this.#events.length - maxEvents)
  }

  openLanes(lanes: readonly LaneCheckpoint[], dispatched: Dispatched | undefined): void {
    this.lanes.open(lanes)
    const nextLaneId = lanes.reduce((next, { id }) => Math.max(next, id + 1), this.#checkpoint.nextLaneId)
    const tenantStagesDone = lanes.length > 0 ? [] : this.#checkpoint.tenantStagesDone
    this.#checkpoint = { ...this.#checkpoint, nextLaneId, tenantStagesDone, ...dispatched }
  }

  splitLane(laneId: number, into: readonly LaneCheckpoint[]): void {
    this.lanes.replace(laneId, into)
  }

  /** True when the step was applied already. */
  hasSaved({ lane, tenantStagesDone, failures, resolved }: Step): boolean {
    if (lane) return (this.lanes.get(lane.id)?.datesDone ?? lane.datesDone) >= lane.datesDone
    if (tenantStagesDone) return tenantStagesDone.join('\n') === this.#checkpoint.tenantStagesDone.join('\n')
    const gone = resolved.every((key) => !this.#failures.has(failureId(key)))
    return gone && failures.length > 0 && failures.every((key) => this.#failures.has(failureId(key)))
  }

  apply(step: Step): void {
    this.record = { ...this.record, counters: count(this.record.counters, step) }
    const { lane, tenantStagesDone } = step
    if (lane) this.lanes.move(lane)
    if (tenantStagesDone) this.#checkpoint = { ...this.#checkpoint, tenantStagesDone }
    this.#applyFailures(step)
  }

  #applyFailures({ resolved, moved, failures }: Step): void {
    for (const key of resolved) this.#failures.delete(failureId(key))
    for (const { failure, to } of moved) {
      const recorded = this.#failures.get(failureId(failure))
      this.#failures.delete(failureId(failure))
      if (recorded) this.#record({ ...recorded, date: to, moved: true })
    }
    for (const failure of failures) this.#record(failure)
  }

  // A moved failure gets a number of its own too: numbers must ascend in the order of the map.
  #record(failure: Omit<RecordedFailure, 'number'>): void {
    this.#lastFailure += 1
    this.#failures.set(failureId(failure), { ...failure, number: this.#lastFailure })
  }
}
