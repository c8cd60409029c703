/** The most digits that a number can be asked for behind the point. */
const MOST_DIGITS = 100

/** `a` − `b` as the decimal numbers that they look like: 0.3 − 0.1 is 0.2. Both are finite. */
export function minus(a: number, b: number): number {
  const digits = Math.min(MOST_DIGITS, Math.max(digitsOf(a), digitsOf(b)))
  return Number((a - b).toFixed(digits)) + 0 // no negative zero
}

/** `a` + `b` as the decimal numbers that they look like. */
export function plus(a: number, b: number): number {
  return minus(a, -b)
}

/** How many digits a number has behind the point. */
function digitsOf(value: number): number {
  const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? []
  return Math.max(0, fraction.length - Number(exponent))
}
