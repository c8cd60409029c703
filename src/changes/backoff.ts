const FIRST_AFTER_FAILURE_MS = 1_000
const FIRST_WHILE_CLOSED_MS = 60_000
const LONGEST_MS = 3_600_000

/** How long a day is left alone that has failed `attempts` times in a row, in milliseconds: it doubles, up to an hour. */
export function backoffAfterFailureMs(attempts: number): number {
  return doubled(FIRST_AFTER_FAILURE_MS, attempts)
}

/** After how long it is asked again whether a day is still closed, in milliseconds: it doubles, up to an hour. */
export function recheckHeldMs(attempts: number): number {
  return doubled(FIRST_WHILE_CLOSED_MS, attempts)
}

function doubled(firstMs: number, attempts: number): number {
  return Math.min(LONGEST_MS, firstMs * 2 ** Math.min(attempts - 1, 31))
}
