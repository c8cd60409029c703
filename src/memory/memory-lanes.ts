import type { LaneNotice, LaneView } from '../jobs/lanes/lane-store.ts'
import type { LaneCheckpoint, LaneStep } from '../run/checkpoint.ts'

/** An open lane, and who calculates it. */
interface MemoryLane {
  readonly checkpoint: LaneCheckpoint
  /** Empty: nobody, or the worker of the job. */
  readonly claimId: string
  readonly claimedUntil: number
  readonly claims: number
  readonly stopping: boolean
  readonly notice: LaneNotice | null
}

const unclaimed = { claimId: '', claimedUntil: 0, claims: 0, stopping: false, notice: null }

/** The open lanes of one job. */
export class MemoryLanes {
  // Made anew with every page of lanes: a Map that is refilled forever holds on to the tables it outgrew.
  #open = new Map<number, MemoryLane>()

  get checkpoints(): readonly LaneCheckpoint[] {
    return [...this.#open.values()].map(({ checkpoint }) => checkpoint)
  }

  /** Ascending by id. */
  get views(): readonly LaneView[] {
    return [...this.#open.values()]
      .map(({ checkpoint: { id }, claimedUntil, claims, notice }) => ({ id, claimedUntil, claims, notice }))
      .sort((a, b) => a.id - b.id)
  }

  get(laneId: number): LaneCheckpoint | undefined {
    return this.#open.get(laneId)?.checkpoint
  }

  open(lanes: readonly LaneCheckpoint[]): void {
    this.#open = new Map([
      ...this.#open,
      ...lanes.map((checkpoint) => [checkpoint.id, { checkpoint, ...unclaimed }] as const),
    ])
  }

  /** Lanes that replace another are its holder's. */
  replace(laneId: number, into: readonly LaneCheckpoint[]): void {
    const lane = this.#open.get(laneId) ?? unclaimed
    this.#open.delete(laneId)
    for (const checkpoint of into) this.#open.set(checkpoint.id, { ...lane, checkpoint })
  }

  move({ id, datesDone, employeeIds, finished }: LaneStep): void {
    const lane = this.#open.get(id)
    if (finished) this.#open.delete(id)
    else if (lane) {
      const checkpoint = { ...lane.checkpoint, datesDone, ...(employeeIds && { employeeIds }) }
      this.#open.set(id, { ...lane, checkpoint, claims: 0 })
    }
  }

  /** Takes a lane that nobody holds. */
  claim(
    laneId: number,
    { claimId, now, until }: { readonly claimId: string; readonly now: number; readonly until: number },
  ): LaneCheckpoint | undefined {
    const lane = this.#open.get(laneId)
    if (!lane || lane.claimId === claimId) return lane?.checkpoint
    if (lane.stopping || lane.claimedUntil > now) return undefined
    this.#open.set(laneId, { ...lane, claimId, claimedUntil: until, claims: lane.claims + 1, notice: null })
    return lane.checkpoint
  }

  isHeldBy(claimId: string, laneId: number): boolean {
    return this.#open.get(laneId)?.claimId === claimId
  }

  isStopping(claimId: string): boolean {
    return this.#heldBy(claimId).some(({ stopping }) => stopping)
  }

  /** @returns false when no lane is that claim's any more. */
  renew(claimId: string, claimedUntil: number): boolean {
    const lanes = this.#heldBy(claimId)
    this.#change(lanes, { claimedUntil })
    return lanes.length > 0
  }

  release(claimId: string): void {
    this.#change(this.#heldBy(claimId), { claimId: '', claimedUntil: 0, claims: 0 })
  }

  tell(claimId: string, laneId: number, notice: LaneNotice): void {
    const lane = this.#open.get(laneId)
    if (lane?.claimId === claimId) this.#change([lane], { notice })
  }

  stop(): void {
    this.#change([...this.#open.values()], { stopping: true })
  }

  /** Whoever holds a lane holds it no more, and it may go on. */
  reset(): void {
    this.#change([...this.#open.values()], unclaimed)
  }

  #heldBy(claimId: string): readonly MemoryLane[] {
    return [...this.#open.values()].filter((lane) => lane.claimId === claimId)
  }

  #change(lanes: readonly MemoryLane[], change: Partial<MemoryLane>): void {
    for (const lane of lanes) this.#open.set(lane.checkpoint.id, { ...lane, ...change })
  }
}
