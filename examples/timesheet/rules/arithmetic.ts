/** Every duration is counted in whole milliseconds until the very end of its sum. */
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** The whole minutes in a duration. */
export function floorToMinutes(ms: number): number {
  return Math.floor(ms / MINUTE)
}

/** `numerator / denominator` of two safe integers, not negative, to the nearest integer, half up. */
export function divideHalfUp(numerator: number, denominator: number): number {
  // A remainder is exact; twice the numerator need not be.
  const remainder = numerator % denominator
  return (numerator - remainder) / denominator + (2 * remainder >= denominator ? 1 : 0)
}

export function total<T>(members: readonly T[], amount: (member: T) => number): number {
  return members.reduce((sum, member) => sum + amount(member), 0)
}
