import pLimit from 'p-limit'
import type { RunControl } from '../run-control.ts'

/** Something that is done in pieces. */
interface Finishing {
  readonly finished: boolean
}

/**
 * Runs lanes side by side, at most `concurrency` at once. A lane is only made when one is free, so however many there
 * are, only a handful exist. One that throws ends the run; the others come to a graceful end.
 *
 * @returns whether every lane was finished.
 */
export async function scheduleLanes<L extends Finishing>(
  lanes: AsyncIterable<L> | Iterable<L>,
  options: {
    readonly concurrency: number
    readonly control: RunControl
    runLane(lane: L): Promise<void>
  },
): Promise<boolean> {
  const { concurrency, control, runLane } = options
  const limit = pLimit(concurrency)
  let freed = Promise.withResolvers<void>()
  let isComplete = true
  const work = async (lane: L) => {
    try {
      await runLane(lane)
    } catch (error) {
      control.fail(error)
    }
    isComplete &&= lane.finished
  }
  const free = () => {
    freed.resolve()
    freed = Promise.withResolvers()
  }
  try {
    for await (const lane of lanes) {
      if (control.stopped) {
        isComplete = false
        break
      }
      void limit(work, lane).then(free)
      while (limit.activeCount + limit.pendingCount >= concurrency) await freed.promise
    }
  } catch (error) {
    isComplete = false
    control.fail(error)
  }
  while (limit.activeCount + limit.pendingCount > 0) await freed.promise
  return isComplete
}
