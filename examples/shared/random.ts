/** Random numbers that are the same for the same seed, everywhere. */
export interface Random {
  /** From 0 to below 1. */
  fraction(): number
  /** A whole number, both ends included. */
  integer(least: number, most: number): number
  /** True in so many of a hundred cases. */
  percent(chance: number): boolean
  /** One of them. */
  pick<T>(members: readonly [T, ...T[]]): T
}

/** The generator known as mulberry32: small, fast, and good enough to make up a warehouse. */
export function seededRandom(seed: number): Random {
  let state = seed | 0
  function fraction(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (least: number, most: number) => least + Math.floor(fraction() * (most - least + 1))
  return {
    fraction,
    integer,
    percent: (chance) => fraction() * 100 < chance,
    pick: (members) => members[integer(0, members.length - 1)] ?? members[0],
  }
}
