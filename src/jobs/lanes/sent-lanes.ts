import { rootOf } from '../../run/lanes/half-ids.ts'
import type { LaneView } from './lane-store.ts'

/** A lane that was sent to whoever takes it, or is a half of one. */
interface SentLane {
  /** When it was sent last, or somebody was seen to calculate it. */
  seenAt: number
  /** How often it was sent since somebody was seen to calculate it. */
  sent: number
  /** The number of the last notice of a retry. */
  retry: number
}

/** Which lanes were sent and are not finished, and which of them are silent. */
export class SentLanes {
  #lanes = new Map<number, SentLane>()
  /** Those that were sent themselves; all others are halves of them. */
  #roots = new Set<number>()

  get size(): number {
    return this.#lanes.size
  }

  add(laneId: number, now: number): void {
    this.#lanes.set(laneId, { seenAt: now, sent: 1, retry: 0 })
    this.#roots.add(rootOf(laneId))
  }

  /** Takes the state of the lanes from the store: a lane that it no longer lists is finished. Returns the others. */
  update(views: readonly LaneView[], now: number): readonly LaneView[] {
    const own = views.filter(({ id }) => this.#roots.has(rootOf(id)))
    this.#lanes = new Map(
      own.map((view) => {
        const lane = this.#lanes.get(view.id) ?? { seenAt: now, sent: 0, retry: 0 }
        if (view.claimedUntil > now) {
          lane.seenAt = now
          lane.sent = 0
        }
        return [view.id, lane]
      }),
    )
    this.#roots = new Set(own.map(({ id }) => rootOf(id)))
    return own
  }

  /** True when nobody was seen to calculate the lane for so long: it has to be sent again. */
  isSilent(laneId: number, now: number, patienceMs: number): boolean {
    const lane = this.#lanes.get(laneId)
    return lane !== undefined && now - lane.seenAt >= patienceMs
  }

  /** It is sent again. Returns how often it was sent in vain. */
  sendAgain(laneId: number, now: number): number {
    const lane = this.#lanes.get(laneId)
    if (!lane) return 0
    lane.seenAt = now
    lane.sent += 1
    return lane.sent - 1
  }

  /** True for a retry that was not reported before. */
  isNewRetry(laneId: number, number: number): boolean {
    const lane = this.#lanes.get(laneId)
    if (!lane || number === lane.retry) return false
    lane.retry = number
    return true
  }
}
