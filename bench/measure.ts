/** One way of doing the same work. */
export interface Contender {
  readonly name: string
  /** Does the work and resolves with the number of employee-days it did. */
  run(): Promise<number>
  /** What comes before it and is not measured. */
  prepare?(): Promise<void>
  /** Looks at what came out, and is not measured. @throws {Error} when that is wrong. */
  check?(): Promise<void>
}

/** What was measured of a contender. */
export interface Measured {
  readonly name: string
  /** Employee-days a second, the median of all rounds. */
  readonly speed: number
  /** The same of each round, in order. */
  readonly speeds: readonly number[]
}

/**
 * Lets contenders take turns, round by round, so that a machine that gets slower meanwhile is slower for all of them. The
 * first round warms up and does not count.
 */
export async function race(contenders: readonly Contender[], rounds: number): Promise<readonly Measured[]> {
  const speeds = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      await contender.prepare?.()
      const begin = performance.now()
      const days = await contender.run()
      const seconds = (performance.now() - begin) / 1000
      if (round > 0) speeds.get(contender.name)?.push(days / seconds)
      await contender.check?.()
    }
  }
  return contenders.map(({ name }) => {
    const own = speeds.get(name) ?? []
    return { name, speed: median(own), speeds: own }
  })
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN
  const high = sorted[Math.floor(middle)] ?? Number.NaN
  return (low + high) / 2
}

/** A table of speeds; ratios are those of the first row to each of the others. */
export function printSpeeds(title: string, measured: readonly Measured[]): void {
  console.log(`\n${title}`)
  const first = measured[0]?.speed ?? Number.NaN
  for (const { name, speed } of measured) {
    const ratio = `${(first / speed).toFixed(2)} x`
    console.log(`  ${name.padEnd(58)} ${whole(speed).padStart(12)} days/s ${ratio.padStart(10)}`)
  }
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}
