import type { DayDifference } from './difference.ts'
import { ItemStream } from './item-stream.ts'
import { type PreviewSummary, SummaryCounts } from './preview-summary.ts'
import type { LaneSource } from './previewed-lane.ts'
import { type RunningPreviews, underControl } from './previewed-lanes.ts'

/** What a run would change: its differences, and what they come to. */
export type Preview = ItemStream<DayDifference, PreviewSummary>

/** What is to be looked at, once the request is known to be right. */
export interface PreparedPreview {
  readonly lanes: LaneSource
  /** Names of tenant stages that the run would run. */
  readonly leftOut: readonly string[]
}

/** @param running Hears of the control of what has begun, and of its end. */
export function previewOf(
  prepare: () => Promise<PreparedPreview>,
  signal: AbortSignal | undefined,
  running: RunningPreviews,
): Preview {
  let counts = new SummaryCounts([])
  return new ItemStream({
    async *pages() {
      const { lanes, leftOut } = await prepare()
      counts = new SummaryCounts(leftOut)
      for await (const { differences, outcomes, leftOut: behind = [] } of underControl(lanes, signal, running)) {
        for (const { outcome, failedBehind } of outcomes) counts.add(outcome, failedBehind)
        counts.addDifferences(differences)
        counts.addLeftOut(behind)
        yield differences
      }
    },
    summary: (isComplete) => counts.summary(isComplete ? 'completed' : 'cancelled'),
  })
}
