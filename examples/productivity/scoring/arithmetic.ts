/** Milliseconds in a minute; every duration is counted in whole milliseconds until the very end. */
export const MINUTE = 60_000

/** The whole minutes in a duration. */
export function floorToMinutes(ms: number): number {
  return Math.floor(ms / MINUTE)
}

/** `numerator / denominator` of two integers to the nearest integer, half up. */
export function divideHalfUp(numerator: number, denominator: number): number {
  return Math.floor((2 * numerator + denominator) / (2 * denominator))
}

/** A DECIMAL(…, 2) as the driver gives it, a number or a string, in whole hundredths. */
export function hundredths(decimal: number | string): number {
  return Math.round(Number(decimal) * 100)
}
