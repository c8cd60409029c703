import pLimit from 'p-limit'
import type { RunControl } from './run-control.ts'

/**
 * Runs lanes side by side, at most `concurrency` at once. A lane is only made when one is free, so however many there
 * are, only a handful exist. One that throws ends the run; the others come to a graceful end.
 */
export async function runLanes<L>(
  lanes: AsyncGenerator<L> | Generator<L>,
  options: {
    readonly concurrency: number
    readonly control: RunControl
    runLane(lane: L): Promise<void>
  },
): Promise<void> {
  const { concurrency, control, runLane } = options
  const limit = pLimit(concurrency)

  async function takeTurns(): Promise<void> {
    try {
      while (!control.stopped) {
        const { done, value } = await lanes.next()
        if (done) return
        await runLane(value)
      }
    } catch (error) {
      control.stop({ status: 'failed', cause: error })
    }
  }

  await Promise.all(Array.from({ length: concurrency }, () => limit(takeTurns)))
}
