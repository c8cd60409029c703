/** Milliseconds in a minute; every duration is counted in whole milliseconds until the very end. */
export const MINUTE = 60_000

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

/**
 * A DECIMAL(…, 2) as the driver gives it, a number or a string, in whole hundredths.
 *
 * @throws {Error} when it has more places, which only SQLite keeps: to round them would give other rows than elsewhere.
 */
export function hundredths(decimal: number | string): number {
  const amount = Number(decimal) * 100
  const whole = Math.round(amount)
  // Binary fractions miss by less than this, and a third place by far more.
  if (Math.abs(amount - whole) < 1e-4) return whole
  throw new Error(`Expected a decimal of at most two places, got ${decimal}`)
}
