/** How many days were done at a moment, in milliseconds of any one clock. */
export interface RateSample {
  readonly atMs: number
  readonly days: number
}

/** The rate is that of the last seconds: what a job did an hour ago says little about now. */
const WINDOW_MS = 10_000

/** The samples that the rate is told from, with a new one. */
export function addSample(samples: readonly RateSample[], sample: RateSample): readonly RateSample[] {
  const last = samples.at(-1)
  // Fewer days than before: another run.
  if (last && (sample.days < last.days || sample.atMs < last.atMs)) return [sample]
  const from = sample.atMs - WINDOW_MS
  // The newest sample that is older than the window stays, or a job with rare progress would have no rate.
  const first = samples.findLastIndex(({ atMs }) => atMs <= from)
  return [...samples.slice(Math.max(0, first)), sample]
}

/** Days per second; `null` as long as that is unknown. */
export function rateOf(samples: readonly RateSample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || last.atMs - first.atMs < 200) return null
  return ((last.days - first.days) * 1_000) / (last.atMs - first.atMs)
}
