/** True in `npm run test:chaos`. */
export const isLong = process.env.RECALC_TEST_LONG !== undefined

/**
 * How many cases a property test tries: `few` in `npm test`, `many` in `npm run test:chaos`, and RECALC_TEST_RUNS wherever
 * that is set. Test files that import this are run by both.
 */
export function runs(few: number, many: number): number {
  const given = process.env.RECALC_TEST_RUNS
  return given ? Number(given) : isLong ? many : few
}
