export const MINUTE = 60_000

/** `numerator / denominator` to the nearest integer, halves up; neither may be negative. */
export function roundHalfUp(numerator: bigint, denominator: bigint): number {
  return Number((2n * numerator + denominator) / (2n * denominator))
}

export function wholeMinutes(milliseconds: number): number {
  return Number(BigInt(milliseconds) / BigInt(MINUTE))
}

export function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

/** Every value once, in ascending order. */
export function ascending(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}

/** The item with the greatest keys, the first key first. */
export function greatest<Item>(items: readonly Item[], ...keys: readonly ((item: Item) => number)[]): Item | undefined {
  return keys.reduce((candidates, key) => {
    const best = candidates.reduce((most, item) => Math.max(most, key(item)), Number.NEGATIVE_INFINITY)
    return candidates.filter((item) => key(item) === best)
  }, items)[0]
}
