import pLimit from 'p-limit'
import type { RunControl } from '../run-control.ts'

/**
 * Runs lanes side by side, at most `concurrency` at once. A lane is only made when one is free, so however many there
 * are, only a handful exist. One that throws ends the run; the others come to a graceful end.
 */
export async function runLanes<L>(
  lanes: AsyncIterable<L> | Iterable<L>,
  options: {
    readonly concurrency: number
    readonly control: RunControl
    runLane(lane: L): Promise<void>
  },
): Promise<void> {
  const { concurrency, control, runLane } = options
  const limit = pLimit(concurrency)
  let freed = Promise.withResolvers<void>()
  const failRun = (error: unknown) => control.stop({ status: 'failed', cause: error })
  const free = () => {
    freed.resolve()
    freed = Promise.withResolvers()
  }
  try {
    for await (const lane of lanes) {
      if (control.stopped) break
      void limit(runLane, lane).catch(failRun).then(free)
      while (limit.activeCount + limit.pendingCount >= concurrency) await freed.promise
    }
  } catch (error) {
    failRun(error)
  }
  while (limit.activeCount + limit.pendingCount > 0) await freed.promise
}
